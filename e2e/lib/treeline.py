"""The server as a process: start, stop, kill, clients, its files."""

import contextlib
import json
import os
import queue
import random
import signal
import socket
import subprocess
import threading
from pathlib import Path

import boto3
from accounts import Key
from botocore.config import Config

REGION = "us-east-1"
PROGRAMS = Path(os.environ.get("TREELINE_PROGRAMS", Path(__file__).parents[2] / "target/release"))
TREELINE = PROGRAMS / "treeline"
START_SECONDS = 20
STOP_SECONDS = 20


class Server:
    """A running `treeline serve`. Start it with `with`: it is stopped whatever happens."""

    def __init__(self, data_dir, *accounts, options=(), postgres="off"):
        """`postgres` is the address for PostgreSQL clients: most tests want none."""
        self.data_dir = Path(data_dir)
        self.options = list(options)
        self.address = "127.0.0.1:0"
        self.postgres = postgres
        self.process = None
        self.ready_line = None
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if accounts:
            self.write_accounts(*accounts)

    @property
    def endpoint(self):
        return f"http://{self.address}"

    @property
    def log(self):
        return self.data_dir / "stderr.log"

    @property
    def account_file(self):
        return self.data_dir / "iam.json"

    def write_accounts(self, *accounts):
        """Replaces the account file at once, as an editor does: nobody sees half of it."""
        self.write_account_file(json.dumps([account.json for account in accounts]))

    def write_account_file(self, text):
        draft = self.account_file.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(text)
        draft.rename(self.account_file)

    def decisions(self):
        """The lines of the decision log."""
        log = self.data_dir / "decisions.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()]

    def treeline(self, *arguments, stdin=""):
        """Exit code, output and errors of another command of the program on the data directory."""
        done = subprocess.run(
            [TREELINE, *arguments],
            input=stdin,
            env=os.environ | {"TREELINE_DATA_DIR": str(self.data_dir)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def start(self):
        """Starts it and waits for its ready line; a restart listens where it listened before."""
        addresses = ["--http", self.address, "--postgres", self.postgres]
        command = [TREELINE, "serve", "--data-dir", self.data_dir, *addresses]
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
        self.address = self.said("http")
        self.postgres = self.said("postgres") or self.postgres
        return self

    def said(self, name):
        """A value of the ready line."""
        pairs = dict(word.partition("=")[::2] for word in self.ready_line.split(" "))
        return pairs.get(name)

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

    def client(self, key, service="verifiedpermissions", **config):
        """A boto3 client that signs with `key` and shows every answer: it does not retry."""
        settings = {"retries": {"mode": "standard", "total_max_attempts": 1}}
        return session().client(
            service,
            endpoint_url=config.pop("endpoint", self.endpoint),
            region_name=config.pop("region", REGION),
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
            aws_session_token=config.pop("session_token", key.session_token),
            config=Config(**(settings | config)),
        )

    def session_key(self, key, role_arn, name="session", **arguments):
        """The key of a session of a role that the owner of `key` assumes."""
        sts = self.client(key, "sts")
        assumed = sts.assume_role(RoleArn=role_arn, RoleSessionName=name, **arguments)
        return Key.of_session(assumed)


def free_ports(count):
    """Ports that are free, and that no system gives to those who ask for any."""
    ports = []
    while len(ports) < count:
        port = random.randrange(15000, 30000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            ports.append(port)
    return ports


_SESSION = None
_SESSION_LOCK = threading.Lock()


def session():
    """One for all clients: it keeps the service model once it is loaded."""
    global _SESSION
    with _SESSION_LOCK:
        _SESSION = _SESSION or boto3.session.Session()
        return _SESSION
