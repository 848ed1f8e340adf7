"""docs/identity-provider.md: its commands, one after the other in one shell, print what the page
shows: with a real OpenID provider, with moto, and with AWS's middleware for Express."""

from page import ROOT, Page

# Of the provider, of the application, and of moto.
PORTS = (3000, 3001, 5000)


def test_the_page_tells_what_happens(tmp_path):
    page = Page("identity-provider.md", tmp_path, PORTS)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    with page.server():
        page.check()
