"""Compose profile `secure`: tokens, senders and their sources, the handshake, behind nginx."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.compose import Compose, containers
from tests.support.ports import free_port
from tests.support.waiting import wait_until

pytestmark = containers

ROOT = Path(__file__).parents[2]
STAND_IN = "post-cloudevents-test-nginx"
SECURE = ["--profile", "secure"]
EVENT = {"ce-id": "1", "ce-type": "t", "ce-specversion": "1.0"}


@pytest.fixture(scope="module")
def nginx_image() -> str:
    """Debian's nginx in an image, since the one of its makers may be out of reach."""
    base = os.environ.get("PYTHON_IMAGE", "python:3.13-slim")
    lines = (
        f"FROM {base}\n"
        "RUN apt-get update && apt-get install -y --no-install-recommends nginx openssl\n"
    )
    subprocess.run(
        ["docker", "build", "--tag", STAND_IN, "-"],
        input=lines,
        text=True,
        check=True,
        capture_output=True,
    )
    return STAND_IN


class Secure(Compose):
    """The profile, on ports of its own."""

    def __init__(self, image: str) -> None:
        super().__init__(
            SECURE,
            NGINX_IMAGE=image,
            WEBHOOK_ORIGINS="eventgrid.azure.net",
            PUBLISH_SECURE_USERS=(users := f"127.0.0.1:{free_port()}"),
            PUBLISH_SECURE_EVENTS=(events := f"127.0.0.1:{free_port()}"),
        )
        self.secure_users, self.secure_events = (
            f"https://localhost:{each.rpartition(':')[2]}" for each in (users, events)
        )

    def token(self, service: str, name: str, *words: str) -> dict[str, str]:
        """The header of a new token."""
        command = [f"{service}-service", "tokens", "create", name, *words]
        text = self("exec", "-T", f"{service}-service-secure", *command).strip()
        return {"Authorization": f"Bearer {text}"}


@pytest.fixture(scope="module")
def secure(nginx_image: str) -> Iterator[Secure]:
    project = Secure(nginx_image)
    project("up", "--build", "--detach", "--wait")
    yield project
    project("down", "--volumes")


@pytest.fixture(scope="module")
def certificate(secure: Secure, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("certificate")
    secure("cp", "proxy:/secrets/tls/cert.pem", str(folder))
    return str(folder / "cert.pem")


def test_the_lines_of_the_readme_end_as_an_event(secure: Secure, tmp_path: Path) -> None:
    (block,) = re.findall(
        r"```sh\n(docker compose --profile secure up .*?)```",
        (ROOT / "README.md").read_text(),
        re.DOTALL,
    )
    for before, after in (
        ("docker compose", f"docker compose --project-directory {ROOT} -p {secure.project}"),
        ("https://localhost:3443", secure.secure_users),
        ("https://localhost:8443", secure.secure_events),
    ):
        block = block.replace(before, after)
    # The relay delivers what the line before the last one made.
    lines = block.strip().splitlines()
    script = "\n".join([*lines[:-1], f"for n in 1 2 3 4 5 6 7 8 9; do sleep 1; {lines[-1]}; done"])
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=tmp_path,
        env=secure.environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"type":"user.storeUser"' in done.stdout
    assert '"authid":"me"' in done.stdout
    assert '"sender":"user-service"' in done.stdout


def test_senders_write_of_their_sources_and_a_reader_sees_who_they_are(
    secure: Secure, certificate: str
) -> None:
    one = secure.token("audit", "one", "--scope", "events:write", "--source", "/one")
    two = secure.token("audit", "two", "--scope", "events:write", "--source", "/two")
    reader = secure.token("audit", "reader", "--scope", "events:read")

    def send(sender: dict[str, str], source: str) -> int:
        headers = {**EVENT, **sender, "ce-source": source}
        return requests.post(
            secure.secure_events, headers=headers, verify=certificate, timeout=10
        ).status_code

    # A token holds everywhere within two seconds.
    wait_until(lambda: send(one, "/one") == send(two, "/two") == 204, 10)
    assert (send(one, "/two"), send(two, "/one/x"), send(reader, "/one")) == (403, 403, 403)
    page = requests.get(
        f"{secure.secure_events}/v1/events?sender=one&sender=two",
        headers=reader,
        verify=certificate,
        timeout=10,
    ).json()
    found = {(item["sender"], item["event"]["source"]) for item in page["items"]}
    assert found == {("one", "/one"), ("two", "/two")}


def test_the_handshake_needs_no_token(secure: Secure, certificate: str) -> None:
    answer = requests.options(
        secure.secure_events,
        headers={"WebHook-Request-Origin": "eventgrid.azure.net"},
        verify=certificate,
        timeout=10,
    )
    assert answer.status_code == 204
    assert answer.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"


def test_only_the_proxy_is_reached_from_outside(secure: Secure) -> None:
    published: dict[str, Any] = {}
    for container in secure.every():
        ports = container["NetworkSettings"]["Ports"]
        published |= {port: bound for port, bound in ports.items() if bound}
    assert set(published) == {"8443/tcp", "3443/tcp"}
    assert {each["HostIp"] for bound in published.values() for each in bound} == {"127.0.0.1"}


def test_no_token_is_in_any_log(secure: Secure) -> None:
    assert not re.search(r"(aud|usr)_[0-9A-Za-z]{49}", secure("logs"))
