"""A shell with the AWS CLI that is pointed at the server by `treeline env` alone."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

from treeline import TREELINE

# Beside the Python that runs the tests: both come from requirements.txt.
AWS = Path(sys.executable).with_name("aws")


class Shell:
    """Runs scripts the way a user would type them."""

    def __init__(self, server, home, flags=""):
        """`flags` are those of `treeline env` that say whose key it is."""
        self.server, self.home = server, home
        self.prologue = (
            f'eval "$({shlex.quote(str(TREELINE))} env'
            f' --data-dir {shlex.quote(str(server.data_dir))} {flags})"\n'
        )
        # Nothing of this machine's own AWS configuration is seen.
        self.environment = {
            "PATH": f"{AWS.parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "AWS_PAGER": "",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
        }

    def of(self, flags):
        """The same shell with another key."""
        return Shell(self.server, self.home, flags)

    def __call__(self, script, **variables):
        """Gives exit code, output and errors of a script after the `eval` of `treeline env`."""
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", self.prologue + script],
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def json(self, script, **variables):
        """The JSON that a script prints, which must succeed."""
        code, out, err = self(script, **variables)
        assert code == 0, err
        return json.loads(out) if out.strip() else None

    def error(self, script, **variables):
        """The CLI's error text of a script, which must fail as the CLI fails on an API error."""
        code, out, err = self(script, **variables)
        # Version 1 of the CLI, the one on PyPI, ends with 255; version 2 with 254.
        assert code in (254, 255) and out == "", err
        return err.strip()
