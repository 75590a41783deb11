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

LIBRARIES = {
    "apsw",
    "cloudevents",
    "confluent_kafka",
    "cryptography",
    "flask",
    "gevent",
    "prometheus_client",
    "psycopg",
    "requests",
    "sqlalchemy",
}
# A module of each room, and the libraries that it may import; every other one is planted in it.
MAY_IMPORT = {
    "user_service.api.routes": {"flask"},
    "user_service.users.service": set(),
    "user_service.delivery.direct": set(),
    "user_service.sinks.http": {"cloudevents", "confluent_kafka", "requests"},
    "user_service.relay.lease": {"sqlalchemy"},
    "user_service.store.users": {"sqlalchemy"},
    "user_service.cli.users": {"sqlalchemy"},
    "service_kit.cli.remote": {"flask", "requests"},
    "user_service.settings": {"sqlalchemy"},
    "audit_service.api.receive": {"flask"},
    "audit_service.events.event": {"cloudevents"},
    "audit_service.log.rows": {"apsw", "psycopg"},
    "audit_service.search.scan": set(),
    "audit_service.search.index.file": {"apsw"},
    "audit_service.evidence.merkle": set(),
    "audit_service.evidence.note_keys": {"cryptography"},
    "audit_service.evidence.witness": {"requests"},
    "audit_service.consumer.loop": {"confluent_kafka"},
    "audit_service.rejected.http_recorder": {"apsw", "psycopg"},
    "audit_service.cli.consume": set(),
    "audit_service.settings": set(),
    "audit_service.metrics": set(),
    "service_kit.http.problems": {"flask"},
    "service_kit.metrics.registry": {"prometheus_client"},
    "service_kit.settings.redaction": set(),
    "service_kit.process.shutdown": {"flask", "gevent"},
    "service_kit.cli.table": {"flask"},
    "service_kit.kafka.topic_config": {"confluent_kafka"},
    "service_kit.logs": set(),
    "service_kit.group_commit": set(),
    "service_kit.clock": set(),
    "service_kit.concurrency": set(),
    "service_kit.postgres": {"psycopg"},
    "service_kit.database_url": {"psycopg"},
}
# Imports from a room to one above it, to the other service, from the kit to a service.
UPWARD = [
    ("user_service.api.routes", "user_service.cli"),
    ("user_service.relay.lease", "user_service.api.problems"),
    ("user_service.relay.lease", "user_service.delivery.direct"),
    ("user_service.delivery.direct", "user_service.relay.lease"),
    ("user_service.sinks.http", "user_service.delivery.direct"),
    ("user_service.store.users", "user_service.sinks.http"),
    ("user_service.users.service", "user_service.store.users"),
    ("user_service.users.service", "user_service.settings"),
    ("user_service.users.service", "audit_service.settings"),
    ("audit_service.api.receive", "audit_service.consumer.loop"),
    ("audit_service.api.receive", "audit_service.cli"),
    ("audit_service.events.event", "audit_service.log.rows"),
    ("audit_service.log.rows", "audit_service.rejected.message"),
    ("audit_service.log.rows", "audit_service.api.receive"),
    ("audit_service.log.rows", "audit_service.search.scan"),
    ("audit_service.search.scan", "audit_service.api.receive"),
    ("audit_service.log.rows", "audit_service.evidence.merkle"),
    ("audit_service.evidence.merkle", "audit_service.search.scan"),
    ("audit_service.log.rows", "user_service.settings"),
    ("service_kit.http.problems", "service_kit.cli.table"),
    ("service_kit.logs", "service_kit.http.problems"),
    ("service_kit.http.problems", "user_service.settings"),
    ("service_kit.logs", "audit_service.settings"),
]
FORBIDDEN = [
    *((room, library) for room, may in MAY_IMPORT.items() for library in sorted(LIBRARIES - may)),
    *UPWARD,
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


def test_a_room_that_no_layer_names_is_reported(tree: Path) -> None:
    (tree / "user_service" / "attic.py").write_text("")
    code, printed = lint(tree)
    assert code == 1
    assert "user_service.attic" in printed


def test_a_circle_within_a_room_is_reported(tree: Path) -> None:
    with module_file(tree, "service_kit.metrics.gauge").open("a") as file:
        file.write("import service_kit.metrics.registry\n")
    code, printed = lint(tree)
    assert code == 1
    assert "No cycles are allowed in service_kit.metrics" in printed


def reported(printed: str, importer: str, imported: str) -> bool:
    """Whether the report names the import, at the line that was planted."""
    return bool(re.search(rf"{re.escape(importer)} -> {re.escape(imported)} \(l\.\d", printed))
