"""Rules of the source tree that no linter has: docstrings, class names, lengths of files."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("user_service", "audit_service", "service_kit")
MAX_LINES = {"user_service": 200, "audit_service": 200, "service_kit": 200, "tools": 200} | {
    "tests": 300,
    "bench": 300,
}
# A docstring opens with the noun that it is about, not with a clause about it.
CLAUSES = ("What", "How", "Which", "Where", "Who", "When", "Whoever", "Whatever")


def modules(package: str) -> Iterator[tuple[Path, str]]:
    """Each module of a package: its path in the tree, its text."""
    for path in sorted((ROOT / package).rglob("*.py")):
        yield path.relative_to(ROOT), path.read_text()


@pytest.mark.parametrize("package", MAX_LINES)
def test_no_module_docstring_opens_with_a_clause(package: str) -> None:
    riddles = [
        str(path)
        for path, text in modules(package)
        if (ast.get_docstring(ast.parse(text)) or "").split(" ")[0] in CLAUSES
    ]
    assert riddles == []


@pytest.mark.parametrize("package", SERVICES)
def test_no_class_name_stands_in_two_modules_of_one_package(package: str) -> None:
    places = defaultdict(list)
    for path, text in modules(package):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path))
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


@pytest.mark.parametrize(("package", "limit"), MAX_LINES.items())
def test_no_file_needs_scrolling_to_be_understood(package: str, limit: int) -> None:
    lengths = {str(path): len(text.splitlines()) for path, text in modules(package)}
    assert {path: lines for path, lines in lengths.items() if lines > limit} == {}


def test_no_test_imports_a_test_module() -> None:
    importers = [
        f"{path} imports {node.module}"
        for path, text in modules("tests")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and ".test_" in (node.module or "")
    ]
    assert importers == []
