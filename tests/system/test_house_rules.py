"""Rules of the source tree that no linter has: docstrings, class names, lengths of files."""

import ast
import re
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
IGNORE = re.compile(r"#\s*(?:noqa|type:\s*ignore)\b")
REASONED = re.compile(r"# (?:noqa: [A-Z0-9, ]+ - \S|type: ignore\[[a-z, -]+\] +# \S)")
IGNORES_PER_LINE = 1.5 / 1000
CONSTANT = re.compile("_?[A-Z][A-Z0-9_]*")


def modules(package: str) -> Iterator[tuple[Path, str]]:
    """Each module of a package: its path in the tree, its text."""
    for path in sorted((ROOT / package).rglob("*.py")):
        yield path.relative_to(ROOT), path.read_text()


def constants_set(text: str) -> list[str]:
    """The constants that a module sets from outside, by `setattr` of whatever it is called on."""
    names = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "setattr":
            strings = [str(each.value) for each in node.args[:2] if isinstance(each, ast.Constant)]
            names += [each for each in strings if CONSTANT.fullmatch(each.split(".")[-1])]
    return names


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


def test_few_lines_of_the_source_are_ignored_by_a_linter_and_each_says_why() -> None:
    lines = [
        f"{path}: {line.strip()}"
        for package in MAX_LINES.keys() - {"tests"}
        for path, text in modules(package)
        for line in text.splitlines()
    ]
    ignored = [line for line in lines if IGNORE.search(line)]
    assert [line for line in ignored if not REASONED.search(line)] == []
    assert len(ignored) <= IGNORES_PER_LINE * len(lines), ignored


def test_no_test_imports_a_test_module() -> None:
    importers = [
        f"{path} imports {node.module}"
        for path, text in modules("tests")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and ".test_" in (node.module or "")
    ]
    assert importers == []


@pytest.mark.parametrize(
    ("call", "sets"),
    [
        ('patch.setattr(stream, "QUIET_SECONDS", 1)', True),
        ('monkeypatch.setattr("audit_service.api.stream._PAGE", 1)', True),
        ("setattr(stream, 'MOST', 1)", True),
        ('patch.setattr(log, "oldest", away)', False),
        ('patch.setattr(sys, "stdout", stream)', False),
        ('monkeypatch.setenv("TZ", "UTC")', False),
    ],
)
def test_a_constant_that_is_set_is_seen(call: str, sets: bool) -> None:  # noqa: FBT001
    assert bool(constants_set(call)) is sets


def test_no_test_sets_a_constant_of_a_module() -> None:
    # It is an argument of what uses it, with the constant as its default.
    found = {str(path): constants_set(text) for path, text in modules("tests")}
    assert {path: names for path, names in found.items() if names} == {}
