"""Other servers that tests need: processes that listen at a port."""

import socket
import subprocess
import time

START_SECONDS = 20


class Service:
    """A process that listens at a port of this machine. Start it with `with`."""

    def __init__(self, port, command, log, **options):
        self.port, self.command, self.log, self.options = port, command, log, options
        self.process = None

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self.options,
            )
        end = time.monotonic() + START_SECONDS
        while not self.listens():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"{self.command} does not listen\n{self.log.read_text()}")
            time.sleep(0.02)
        return self

    def listens(self):
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
