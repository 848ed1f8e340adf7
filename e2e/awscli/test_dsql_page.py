"""docs/dsql.md: its commands, one after the other in one shell, print what the page shows."""

import shutil
import tempfile
from pathlib import Path

import pytest
from database import BINARIES
from page import Page



@pytest.fixture
def folder():
    """A folder that everybody may pass through: PostgreSQL does not run as root."""
    folder = Path(tempfile.mkdtemp(prefix="treeline-e2e-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def test_the_page_tells_what_happens(folder):
    page = Page("dsql.md", folder)
    options = [f"--postgres-binaries={BINARIES}"] if BINARIES else []
    with page.server(options=options, postgres="127.0.0.1:0"):
        page.check()
