"""A real OpenID provider: `oidc-provider` from npm, as `examples/photos` sets it up."""

import base64
import json
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

import tokens
from service import Service
from treeline import free_ports

EXAMPLE = Path(__file__).parents[2] / "examples/photos"
CLIENT = "photos"
AUDIENCE = "https://photos.example"


class OpenIdProvider(Service):
    """ann is in the groups editors and staff, bob in staff, cleo in guests and staff."""

    def __init__(self, folder, *keys, seconds=3600):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        (port,) = free_ports(1)
        self.issuer = f"http://127.0.0.1:{port}"
        self.file = self.folder / "keys.json"
        command = ["node", "provider.mjs", self.issuer, "--keys", self.file]
        command += ["--seconds", str(seconds)]
        super().__init__(port, command, self.folder / "provider.log", cwd=EXAMPLE)
        self.have(*(keys or [tokens.new_key()]))

    def have(self, *keys):
        """Its keys after the next start; the first signs."""
        self.keys = keys
        self.file.write_text(tokens.jwks(*keys, private=True))

    def restart(self, *keys):
        """Rotates its keys."""
        self.have(*keys)
        self.stop()
        self.start()

    def sign_in(self, name, client=CLIENT, scope=None):
        """All that somebody's application gets: `id_token`, `access_token` and more."""
        command = ["node", "sign-in.mjs", self.issuer, name, "--client", client]
        command += ["--scope", scope] if scope else []
        done = subprocess.run(
            command, cwd=EXAMPLE, capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def id_token(self, name, **how):
        return self.sign_in(name, **how)["id_token"]

    def access_token(self, name, **how):
        return self.sign_in(name, **how)["access_token"]

    def program_token(self, scope="photos:read"):
        """The access token of a program with a secret: nobody signs in."""
        form = {"grant_type": "client_credentials", "scope": scope}
        request = urllib.request.Request(
            f"{self.issuer}/token", urllib.parse.urlencode(form).encode()
        )
        secret = base64.b64encode(b"backup:only-for-development").decode()
        request.add_header("Authorization", f"Basic {secret}")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)["access_token"]

    def forge(self, payload, key=None, **header):
        """A token that this provider never gave, with a key of its own."""
        return tokens.sign(key or self.keys[0], payload, **header)

    def claims(self, **changes):
        """Those of a good ID token, with changes; None takes one away."""
        usual = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "ann",
            "iat": tokens.now(),
            "exp": tokens.now(300),
        }
        return {name: value for name, value in (usual | changes).items() if value is not None}
