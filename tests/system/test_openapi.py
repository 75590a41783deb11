"""OpenAPI documents: schemathesis looks for a difference between them and the services."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import audit_service
import user_service
from audit_service.settings import Settings as AuditSettings
from tests.support.processes import BIN
from tests.support.served_app import served
from tests.support.sink_server import answering, open_sink
from user_service.settings import Settings as UserSettings

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture
def audit_url(tmp_path: Path) -> Iterator[str]:
    app = audit_service.create_app(AuditSettings(database_url=f"sqlite:///{tmp_path}/events.db"))
    with served(app) as url:
        yield url
    app.close()


@pytest.fixture
def user_url(tmp_path: Path) -> Iterator[str]:
    with open_sink(answering()) as sink:
        settings = UserSettings(
            database_url=f"sqlite:///{tmp_path}/users.db",
            sink=sink.url,
            argon2_memory_kib=8,
            argon2_iterations=1,
        )
        app = user_service.create_app(settings)
        with served(app) as url:
            yield url
        app.close()


def look_for_a_difference(url: str, folder: Path) -> None:
    command = [str(BIN / "st"), "--config-file", str(ROOT / "schemathesis.toml"), "run"]
    options = ["--max-examples", "20", "--seed", "1", "--generation-database", "none"]
    done = subprocess.run(
        [*command, f"{url}/openapi.json", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_audit_service_does_what_its_document_says(audit_url: str, tmp_path: Path) -> None:
    look_for_a_difference(audit_url, tmp_path)


def test_the_user_service_does_what_its_document_says(user_url: str, tmp_path: Path) -> None:
    look_for_a_difference(user_url, tmp_path)
