"""The script of docs/performance.md, for a moment: it still measures and writes every table."""

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from treeline import PROGRAMS

ROOT = Path(__file__).parents[2]
TOPICS = ["machine", "import", "cold start", "memory", "http", "tokens", "lists", "create"]


def test_the_script_measures_and_writes_what_the_document_has_places_for(tmp_path):
    document = tmp_path / "performance.md"
    document.write_text((ROOT / "docs/performance.md").read_text())
    done = subprocess.run(
        [sys.executable, ROOT / "e2e/bench/decisions.py", "--quick", "--write", document],
        env=os.environ | {"TREELINE_PROGRAMS": str(PROGRAMS)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    text = document.read_text()
    block = r"<!-- (?!end)([a-z -]+) -->\n\n(.*?)\n\n<!-- end -->"
    blocks = dict(re.findall(block, text, re.DOTALL))
    assert set(TOPICS) <= set(blocks)
    for topic in TOPICS[1:]:
        # It was printed as it was written.
        assert blocks[topic] in done.stdout
    assert "| BatchIsAuthorized of 30, 1,000 policies |" in blocks["http"]
    assert "| IsAuthorizedWithToken, RS256 tokens once each |" in blocks["tokens"]
    plot = ElementTree.parse(document.with_suffix(".svg"))
    assert len(plot.findall(".//{*}polyline")) == 1
