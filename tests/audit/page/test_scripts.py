"""Scripts and templates keep to the policy, to each other, and to what Python knows."""

import gzip
import json
import re
from pathlib import Path

import pytest

import audit_service.page
from audit_service.page.view import OWN
from audit_service.search.filters import NAMES, ONCE

FOLDER = Path(audit_service.page.__file__).parent
ASSETS = FOLDER / "assets"
SCRIPTS = sorted(ASSETS.glob("*.js"))
TEMPLATES = sorted((FOLDER / "templates").glob("*.html"))
MOST_LINES = 200
MOST_BYTES = 150_000


def words(script: str, constant: str) -> set[str]:
    """The strings of an array that a constant of a script is made of."""
    text = (ASSETS / script).read_text()
    found = re.search(rf"const {constant} = (?:new Set\()?\[(.*?)\]", text, re.DOTALL)
    assert found is not None
    return set(json.loads(f"[{found[1].strip().rstrip(',')}]"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_says_what_it_is_and_is_short(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert lines[0].startswith("/** ")
    assert len(lines) <= MOST_LINES


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_what_a_script_imports_is_there_and_is_used(path: Path) -> None:
    text = path.read_text()
    imports = re.findall(r'^import (?:(.*?) from )?"(\./[^"]+)";', text, re.MULTILINE)
    for names, target in imports:
        assert (ASSETS / target).is_file()
        for name in re.findall(r"\w+", names.replace("* as ", "")):
            assert len(re.findall(rf"\b{name}\b", text)) > 1, name


def test_scripts_know_the_filters_that_there_are() -> None:
    assert words("search_text.js", "NAMES") == set(NAMES)
    assert words("store.js", "ONCE") == set(ONCE)
    assert words("store.js", "OWN") == set(OWN)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_nothing_inline_and_nothing_unescaped(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:", text)
    assert "|safe" not in text.replace(" ", "")


def test_a_first_visit_is_small() -> None:
    files = [path for path in ASSETS.rglob("*") if path.suffix in {".js", ".css", ".svg"}]
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < MOST_BYTES
