"""`docker compose up --build`: the pair in containers, as anybody would start it."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.compose import Compose, containers

ROOT = Path(__file__).parents[2]
POSTGRES = ["--profile", "postgres"]


pytestmark = containers


@pytest.fixture(
    scope="module",
    params=[
        pytest.param([], id="sqlite"),
        pytest.param(POSTGRES, id="postgres"),
        pytest.param(["--profile", "outbox"], id="outbox"),
        pytest.param(["--profile", "kafka"], id="kafka"),
    ],
)
def compose(request: pytest.FixtureRequest) -> Iterator[Compose]:
    project = Compose(request.param)
    project("up", "--build", "--detach", "--wait")
    yield project
    project("down", "--volumes")


def make_ozzy(compose: Compose) -> requests.Response:
    body = {"name": "Ozzy Osbourne", "password": "12345"}
    return requests.post(f"{compose.users}/v1/user", json=body, timeout=10)


def subjects(compose: Compose) -> set[str]:
    page = requests.get(f"{compose.events}/v1/events", timeout=10).json()
    return {item["event"]["subject"] for item in page["items"]}


def wait_for_subject(compose: Compose, made: requests.Response) -> None:
    """Return once there is an event of that user: in direct delivery, at once."""
    deadline = time.monotonic() + 10
    while made.json()["id"] not in subjects(compose):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_articles_demonstration_ends_as_a_found_line_and_an_event(compose: Compose) -> None:
    made = make_ozzy(compose)
    assert made.status_code == 201
    wait_for_subject(compose, made)
    assert "Found " in compose("logs")


def test_data_survives_down_and_up(compose: Compose) -> None:
    user = make_ozzy(compose)
    compose("down")
    compose("up", "--detach", "--wait")
    assert requests.get(compose.users + user.headers["Location"], timeout=10).ok
    wait_for_subject(compose, user)


def test_the_databases_password_is_in_no_log(compose: Compose) -> None:
    assert "password" not in compose("logs").lower()


def test_containers_are_not_root_and_cannot_write_to_their_root(compose: Compose) -> None:
    for container in compose.containers():
        # A number: of a name a runtime cannot know that it is not root.
        assert re.fullmatch("[1-9][0-9]*:[1-9][0-9]*", container["Config"]["User"])
        assert container["HostConfig"]["ReadonlyRootfs"]
        assert container["HostConfig"]["CapDrop"] == ["ALL"]


def test_memory_processes_and_logs_of_every_container_are_limited(compose: Compose) -> None:
    for container in compose.every():
        host = container["HostConfig"]
        assert 0 < host["Memory"] <= 2 * 1024**3
        assert 0 < host["PidsLimit"] <= 512
        assert {"max-size", "max-file"} <= set(host["LogConfig"]["Config"])


def test_files_are_for_the_services_alone(compose: Compose) -> None:
    assert "others than its owner" not in compose("logs")


def test_images_are_those_that_the_environment_names() -> None:
    pinned = {
        name: f"registry.example/{name.lower()}@sha256:{'0' * 64}"
        for name in ("PYTHON_IMAGE", "KAFKA_IMAGE", "POSTGRES_IMAGE", "NGINX_IMAGE")
    }
    named = re.findall(r"^(\w+_IMAGE)=", (ROOT / ".env").read_text(), re.MULTILINE)
    assert set(named) == set(pinned)
    profiles = ["--profile", "kafka", "--profile", "postgres", "--profile", "secure"]
    config = subprocess.run(
        ["docker", "compose", *profiles, "config"],
        cwd=ROOT,
        env={**os.environ, **pinned},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    images = set(re.findall(r"(?:image|PYTHON_IMAGE): (\S+)", config))
    assert images == {"post-cloudevents", *pinned.values()}


@pytest.mark.parametrize("compose", [pytest.param(POSTGRES, id="postgres")], indirect=True)
@pytest.mark.parametrize(
    ("role", "database", "sql", "error"),
    [
        ("audit_service", "events", "DROP TRIGGER event_is_never_changed ON event", "owner"),
        ("audit_service", "users", "SELECT 1", "permission denied for database"),
        ("user_service", "events", "SELECT 1", "permission denied for database"),
        ("user_service", "users", "CREATE ROLE other", "permission denied"),
    ],
)
def test_a_role_of_postgresql_can_do_no_more_than_it_has_to(
    compose: Compose, role: str, database: str, sql: str, error: str
) -> None:
    words = ["psql", "--username", role, "--dbname", database, "--command", sql]
    with pytest.raises(AssertionError, match=error):
        compose("exec", "-T", "postgres", *words)


def test_ports_are_published_on_loopback_only(compose: Compose) -> None:
    for container in compose.containers():
        for bindings in container["NetworkSettings"]["Ports"].values():
            assert bindings is not None
            assert {binding["HostIp"] for binding in bindings} == {"127.0.0.1"}


def test_a_host_that_is_not_listed_is_421(compose: Compose) -> None:
    for url in (compose.users, compose.events):
        refused = requests.get(f"{url}/livez", headers={"Host": "evil.test"}, timeout=10)
        assert refused.status_code == 421


def test_stop_is_clean_within_the_grace_period(compose: Compose) -> None:
    compose("stop")
    assert {container["State"]["ExitCode"] for container in compose.containers()} == {0}
    compose("up", "--detach", "--wait")
