"""Page of the command line: it says what the commands say."""

from pathlib import Path

from tools import cli_docs


def test_the_page_is_made_from_the_commands() -> None:
    assert Path("docs/cli.md").read_text() == cli_docs.page()
