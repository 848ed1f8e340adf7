"""The server as a process: accounts, start, stop, kill."""

import json
import os
import queue
import secrets
import signal
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from botocore.config import Config

REGION = "us-east-1"
PROGRAMS = Path(os.environ.get("TREELINE_PROGRAMS", Path(__file__).parents[2] / "target/release"))
TREELINE = PROGRAMS / "treeline"
START_SECONDS = 20
STOP_SECONDS = 20


@dataclass(frozen=True)
class Key:
    """An access key of a user of an account."""

    account: str
    user: str
    access_key_id: str
    secret_access_key: str = field(repr=False)


def new_key(account, user):
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    key_id = "AKIA" + "".join(secrets.choice(letters) for _ in range(16))
    return Key(account, user, key_id, secrets.token_urlsafe(30))


def account_file(*keys):
    """The account file with one account and one user, who may do everything, for each key."""
    everything = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
    return [
        {
            "AccountId": key.account,
            "AccessKeys": [
                {
                    "AccessKeyId": key.access_key_id,
                    "SecretAccessKey": key.secret_access_key,
                    "UserName": key.user,
                }
            ],
            "UserDetailList": [
                {
                    "UserName": key.user,
                    "Path": "/",
                    "UserId": "AIDA" + key.access_key_id[4:],
                    "Arn": f"arn:aws:iam::{key.account}:user/{key.user}",
                    "UserPolicyList": [
                        {"PolicyName": "everything", "PolicyDocument": everything}
                    ],
                }
            ],
        }
        for key in keys
    ]


class Server:
    """A running `treeline serve`. Start it with `with`: it is stopped whatever happens."""

    def __init__(self, data_dir, *keys, options=()):
        self.data_dir = Path(data_dir)
        self.keys = keys
        self.options = list(options)
        self.address = "127.0.0.1:0"
        self.process = None
        self.ready_line = None
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if keys:
            path = self.data_dir / "iam.json"
            path.touch(mode=0o600)
            path.write_text(json.dumps(account_file(*keys)))

    @property
    def endpoint(self):
        return f"http://{self.address}"

    @property
    def log(self):
        return self.data_dir / "stderr.log"

    def start(self):
        """Starts it and waits for its ready line; a restart listens where it listened before."""
        command = [TREELINE, "serve", "--data-dir", self.data_dir, "--http", self.address]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command + self.options,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        lines = queue.Queue()
        threading.Thread(target=self._read, args=(self.process, lines), daemon=True).start()
        try:
            line = lines.get(timeout=START_SECONDS)
        except queue.Empty:
            line = ""
        if not line.startswith("ready "):
            self.kill()
            raise RuntimeError(f"the server is not ready: {line!r}\n{self.log.read_text()}")
        self.ready_line = line.rstrip("\n")
        self.address = self.ready_line.split("http=")[1].split(" ")[0]
        return self

    @staticmethod
    def _read(process, lines):
        for line in process.stdout:
            lines.put(line)
        lines.put("")

    def kill(self):
        """SIGKILL: the server gets no chance to tidy up."""
        self.process.kill()
        return self.process.wait()

    def stop(self):
        """SIGTERM; gives the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()

    def client(self, key, **config):
        """A boto3 client that signs with `key` and shows every answer: it does not retry."""
        settings = {"retries": {"mode": "standard", "total_max_attempts": 1}}
        return session().client(
            "verifiedpermissions",
            endpoint_url=self.endpoint,
            region_name=config.pop("region", REGION),
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
            aws_session_token=config.pop("session_token", None),
            config=Config(**(settings | config)),
        )


_SESSION = None
_SESSION_LOCK = threading.Lock()


def session():
    """One for all clients: it keeps the service model once it is loaded."""
    global _SESSION
    with _SESSION_LOCK:
        _SESSION = _SESSION or boto3.session.Session()
        return _SESSION
