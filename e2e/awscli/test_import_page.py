"""docs/import.md: its commands, one after the other in one shell, print what the page shows."""

from page import Page


def test_the_page_tells_what_happens(tmp_path):
    page = Page("import.md", tmp_path)
    with page.server():
        page.check()
