"""docs/iam.md: its commands, one after the other in one shell, print what the page shows."""

import re
from pathlib import Path

from page import DOCS, Page


def test_the_page_tells_what_happens(tmp_path):
    page = Page("iam.md", tmp_path)
    with page.server():
        page.check()


def test_every_condition_key_of_the_page_is_known():
    """Those of the sources are in lower case."""
    sources = Path(__file__).parents[2] / "crates"
    text = "".join(path.read_text() for path in sources.glob("*/src/**/*.rs"))
    table = (DOCS / "iam.md").read_text().split("## Condition keys")[1].split("##")[0]
    keys = re.findall(
        r"`((?:aws|dsql|iam|sts):\w+)(?:/KEY)?`", table.replace("dsql.amazonaws.com", "")
    )
    assert len(keys) > 20
    tags = {"aws:PrincipalTag", "aws:RequestTag", "aws:ResourceTag"}
    for key in set(keys) - tags:
        assert f'"{key.lower()}"' in text, key
