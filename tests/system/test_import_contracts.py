"""The import contracts: a forbidden import turns the check red, wherever it is planted."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("user_service", "audit_service", "service_kit")
COMMAND = Path(sys.executable).with_name("lint-imports")

# Who MUST NOT import whom; each pair is planted as one line at the end of the module.
FORBIDDEN = [
    ("user_service.users.service", "audit_service"),
    ("user_service.users.service", "cloudevents"),
    ("user_service.users.service", "flask"),
    ("user_service.users.service", "sqlalchemy"),
    ("user_service.users.service", "requests"),
    ("user_service.api.routes", "cloudevents"),
    ("user_service.api.routes", "prometheus_client"),
    ("user_service.api.routes", "confluent_kafka"),
    ("user_service.sinks.http", "sqlalchemy"),
    ("user_service.sinks.http", "flask"),
    ("user_service.relay.user_queues", "requests"),
    ("user_service.relay.user_queues", "cloudevents"),
    ("user_service.relay.user_queues", "user_service.api.routes"),
    ("user_service.store.users", "psycopg"),
    ("user_service.delivery.direct", "cloudevents"),
    ("user_service.cli", "apsw"),
    ("audit_service.api.receive", "user_service"),
    ("audit_service.api.receive", "apsw"),
    ("audit_service.api.receive", "cloudevents"),
    ("audit_service.events.event", "flask"),
    ("audit_service.events.event", "confluent_kafka"),
    ("audit_service.log.rows", "audit_service.api.receive"),
    ("audit_service.log.rows", "cloudevents"),
    ("audit_service.log.rows", "sqlalchemy"),
    ("audit_service.consumer.loop", "apsw"),
    ("audit_service.consumer.loop", "requests"),
    ("audit_service.rejected.http_recorder", "prometheus_client"),
    ("service_kit.logs", "user_service"),
    ("service_kit.logs", "audit_service"),
    ("service_kit.logs", "cloudevents"),
    ("service_kit.logs", "flask"),
    ("service_kit.http.cursors", "sqlalchemy"),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the contracts are about."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(tree: Path) -> tuple[int, str]:
    """The exit code, and what was printed."""
    done = subprocess.run(
        [COMMAND, "--no-cache"], cwd=tree, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


def module_file(tree: Path, module: str) -> Path:
    """Where a module is."""
    path = tree.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def test_the_tree_keeps_all_contracts(tree: Path) -> None:
    code, printed = lint(tree)
    assert code == 0, printed


def test_every_planted_import_is_reported(tree: Path) -> None:
    for importer, imported in FORBIDDEN:
        with module_file(tree, importer).open("a") as file:
            file.write(f"import {imported}\n")
    code, printed = lint(tree)
    missed = [pair for pair in FORBIDDEN if not reported(printed, *pair)]
    assert (code, missed) == (1, [])


def reported(printed: str, importer: str, imported: str) -> bool:
    """Whether the report names the import, at the line that was planted."""
    return bool(re.search(rf"{re.escape(importer)} -> {re.escape(imported)} \(l\.\d", printed))
