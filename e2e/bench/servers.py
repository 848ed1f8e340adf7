"""What is compared: the gateway, its PostgreSQL without it, and PgBouncer before that."""

import os
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

from accounts import Account, new_key
from treeline import REGION, Server
from wire import Session

SUPERUSER = "treeline"
PASSWORD = "benchmark"
CONNECTIONS = 520
START_SECONDS = 20


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate(directory):
    """One certificate for all that are compared."""
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=benchmark", "-addext"]
    command += ["subjectAltName=DNS:*.dsql.us-east-1.on.aws", "-out", certificate, "-keyout", key]
    subprocess.run(command, check=True, capture_output=True)
    certificate.chmod(0o644)
    return certificate, key


class Process:
    """A program, and how clients get at what it serves."""

    def __init__(self, host, port, authority):
        self.host, self.address = host, ("127.0.0.1", port)
        self.authority = authority
        self.tls = ssl.create_default_context(cafile=authority)
        self.process = None

    @property
    def pid(self):
        return self.process.pid

    def password(self):
        return PASSWORD

    def session(self, password=None):
        password = password or self.password()
        return Session(self.address, "admin", password, self.host, self.tls)

    def environment(self):
        """What libpq wants to know."""
        return os.environ | {
            "PGHOST": self.host,
            "PGHOSTADDR": self.address[0],
            "PGPORT": str(self.address[1]),
            "PGUSER": "admin",
            "PGPASSWORD": self.password(),
            "PGDATABASE": "postgres",
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": str(self.authority),
        }

    def wait(self):
        """Waits until it takes sessions."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return self.session().close()
            except (OSError, RuntimeError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            # For PostgreSQL a fast shutdown, for PgBouncer one as well.
            self.process.send_signal(2)
            self.process.wait(timeout=START_SECONDS)


class Gateway(Process):
    """A server with one cluster. `options` are for its command line."""

    def __init__(self, directory, binaries, certificate, options=()):
        self.key = new_key("111122223333", "bench")
        authority, key = certificate
        options = [
            *("--postgres-binaries", binaries),
            *("--tls-certificate", authority, "--tls-key", key),
            *("--dsql-creation-seconds", "0", "--dsql-connections", str(CONNECTIONS)),
            *("--dsql-connection-rate", "100000", *options),
        ]
        self.server = Server(
            directory, Account.of(self.key), options=options, postgres="127.0.0.1:0"
        )
        self.server.start()
        self.client = self.server.client(self.key, "dsql")
        known = self.client.list_clusters()["clusters"]
        if known:
            self.cluster = known[0]["identifier"]
        else:
            made = self.client.create_cluster(deletionProtectionEnabled=False)
            self.cluster = made["identifier"]
        port = int(self.server.ready_line.split("postgres=")[1].split()[0].rsplit(":")[-1])
        host = self.client.get_cluster(identifier=self.cluster)["endpoint"]
        super().__init__(host, port, authority)
        self.process = self.server.process
        self.data = self.server.data_dir / "clusters" / self.cluster / "data"

    def password(self):
        return self.client.generate_db_connect_admin_auth_token(self.host, REGION)

    def runs(self):
        return (self.data / "postmaster.pid").exists()

    def postmaster(self):
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def __exit__(self, *_):
        self.server.stop()


class Direct(Process):
    """A copy of the cluster, with TLS and passwords. Its table `plain` has no row trigger."""

    def __init__(self, directory, gateway, binaries, certificate):
        authority, key = certificate
        super().__init__(gateway.host, free_port(), authority)
        owner = gateway.data.stat()
        self.user = {"user": owner.st_uid, "group": owner.st_gid} if os.geteuid() == 0 else {}
        data = directory / "data"
        subprocess.run(["cp", "-a", gateway.data, data], check=True)
        (self.own_key, access) = (directory / "key.pem", directory / "pg_hba.conf")
        shutil.copy(key, self.own_key)
        self.own_key.chmod(0o600)
        access.write_text("local all all trust\nhostssl all all all scram-sha-256\n")
        if self.user:
            os.chown(directory, owner.st_uid, owner.st_gid)
            os.chown(self.own_key, owner.st_uid, owner.st_gid)
        settings = {
            "config_file": gateway.data.parent.parent / "postgresql.conf",
            "hba_file": access,
            "unix_socket_directories": directory,
            "listen_addresses": self.address[0],
            "port": self.address[1],
            "ssl": "on",
            "ssl_cert_file": authority,
            "ssl_key_file": self.own_key,
        }
        command = [Path(binaries) / "postgres", "-D", data]
        command += [f"--{name}={value}" for name, value in settings.items()]
        self.directory, self.binaries = directory, binaries
        with (directory / "log").open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, **self.user)
        self.prepare()

    def prepare(self):
        path = str(self.directory / f".s.PGSQL.{self.address[1]}")
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                session = Session(path, SUPERUSER)
                break
            except (OSError, RuntimeError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        with session:
            for statement in (
                # Without event triggers, which would put the row trigger on the table.
                "SET session_replication_role = replica",
                f"ALTER ROLE admin PASSWORD '{PASSWORD}'",
                "CREATE TABLE public.plain (LIKE public.accounts INCLUDING ALL)",
                "INSERT INTO public.plain SELECT * FROM public.accounts",
                "GRANT ALL ON public.plain TO admin",
                "VACUUM ANALYZE public.plain",
            ):
                session.query(statement)
        self.wait()


class PgBouncer(Process):
    """PgBouncer in session mode before `direct`, with TLS to the client as the gateway has it."""

    def __init__(self, directory, direct, program):
        super().__init__(direct.host, free_port(), direct.authority)
        users = directory / "users"
        users.write_text(f'"admin" "{PASSWORD}"\n')
        settings = {
            "listen_addr": self.address[0],
            "listen_port": self.address[1],
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": users,
            "pool_mode": "session",
            "max_client_conn": CONNECTIONS,
            "default_pool_size": CONNECTIONS - 10,
            "client_tls_sslmode": "require",
            "client_tls_cert_file": direct.authority,
            "client_tls_key_file": direct.own_key,
            "log_connections": 0,
            "log_disconnections": 0,
        }
        target = f"host={direct.directory} port={direct.address[1]} dbname=postgres"
        lines = ["[databases]", f"postgres = {target}", "[pgbouncer]"]
        lines += [f"{name} = {value}" for name, value in settings.items()]
        configuration = directory / "pgbouncer.ini"
        configuration.write_text("\n".join(lines) + "\n")
        with (directory / "log").open("wb") as log:
            command = [program, configuration]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, **direct.user)
        self.wait()
