"""Recipes of proxies, as docs/operations.md has them: TLS, nothing buffered, who the client is."""

import os
import re
import shutil
import signal
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.support import processes
from tests.support.ports import free_port
from tests.support.waiting import wait_until

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
NAME = "events.example.com"
EVENT = {"ce-id": "1", "ce-source": "/s", "ce-type": "t", "ce-specversion": "1.0"}


def recipe(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", OPERATIONS.read_text(), re.DOTALL)
    return str(found)


@dataclass(frozen=True)
class Place:
    """Where a trial's certificate is, and its ports."""

    folder: Path
    port: int
    service: int

    def adapted(self, text: str) -> str:
        """The recipe for this place."""
        for before, after in (
            ("127.0.0.1:8080", f"127.0.0.1:{self.service}"),
            ("/etc/ssl", str(self.folder)),
            ("/var/log/nginx", str(self.folder)),
        ):
            assert before in text or before == "/var/log/nginx"
            text = text.replace(before, after)
        return text


def nginx(place: Place) -> list[str]:
    site = place.adapted(recipe("nginx")).replace("listen 443", f"listen 127.0.0.1:{place.port}")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {place.folder}/{kind};\n" for kind in kinds)
    file = place.folder / "nginx.conf"
    file.write_text(
        f"pid {place.folder}/nginx.pid;\nerror_log {place.folder}/error.log;\n"
        f"events {{}}\nhttp {{\n{temporary}{site}}}\n"
    )
    return ["nginx", "-c", str(file), "-p", str(place.folder), "-g", "daemon off;"]


def caddy(place: Place) -> list[str]:
    file = place.folder / "Caddyfile"
    site = place.adapted(recipe("caddy"))
    site = site.replace(f"{NAME} {{", f"{NAME}:{place.port} {{\nbind 127.0.0.1", 1)
    file.write_text(site.replace("{\n", "{\nadmin off\nauto_https disable_redirects\n", 1))
    return ["caddy", "run", "--config", str(file), "--adapter", "caddyfile"]


def make_certificate(folder: Path) -> Path:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"),
            *("-keyout", "events.key", "-out", "events.pem"),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder / "events.pem"


class Through(requests.adapters.HTTPAdapter):
    """Connections to a local port, for the name of the certificate."""

    def __init__(self, certificate: Path) -> None:
        self._context = ssl.create_default_context(cafile=str(certificate))
        super().__init__()

    def init_poolmanager(self, *args: object, **options: object) -> None:
        options |= {
            "ssl_context": self._context,
            "server_hostname": NAME,
            "assert_hostname": NAME,
        }
        super().init_poolmanager(*args, **options)  # type: ignore[arg-type]


Proxy = Callable[[Place], list[str]]
"""The command that runs a proxy there."""


@contextmanager
def behind(proxy: Proxy, folder: Path) -> Iterator[tuple[requests.Session, str, processes.Service]]:
    """A service behind a proxy: a session that goes through it, the URL, and the service."""
    certificate = make_certificate(folder)
    log = folder / "log"
    log.mkdir(mode=0o700)
    settings = {"AUDIT_SERVICE_HOSTS": NAME, "AUDIT_SERVICE_TRUSTED_PROXIES": "127.0.0.1"}
    with processes.audit_service(log, AUDIT_SERVICE_AUTH="tokens", **settings) as service:
        place = Place(folder, free_port(), service.port)
        output = folder / "proxy.log"
        with (
            output.open("wb") as out,
            subprocess.Popen(
                proxy(place), stdout=out, stderr=out, start_new_session=True
            ) as process,
        ):
            try:
                with requests.Session() as session:
                    session.mount("https://", Through(certificate))
                    session.headers["Host"] = NAME
                    url = f"https://127.0.0.1:{place.port}"
                    wait_until(lambda: answers(session, url))
                    yield session, url, service
            finally:
                # Its workers, too, which would go on.
                os.killpg(process.pid, signal.SIGKILL)


def refused(service: processes.Service) -> list[dict[str, object]]:
    """The lines of long bodies."""
    return [each for each in service.lines() if each.get("status") == 413]


def answers(session: requests.Session, url: str) -> bool:
    try:
        return session.get(f"{url}/livez", timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize(("name", "proxy"), [("nginx", nginx), ("caddy", caddy)])
def test_a_recipe_lets_the_service_know_its_client_and_holds_nothing_up(
    name: str, proxy: Proxy, tmp_path: Path
) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"there is no {name}: apt-get install {name}")
    with behind(proxy, tmp_path) as (session, url, service):
        token = service.run_command("tokens", "create", "me", "--scope", "admin").strip()
        session.headers["Authorization"] = f"Bearer {token}"
        answer = session.post(f"{url}/session", timeout=5)
        assert answer.status_code == 204
        assert "Secure" in answer.headers["Set-Cookie"]
        with session.get(f"{url}/v1/events/stream", stream=True, timeout=5) as stream:
            lines = stream.iter_lines()
            assert next(lines) == b"retry: 1000"
            began = time.monotonic()
            sent = session.post(url, headers=EVENT, timeout=5)
            assert sent.status_code == 204
            assert any(line.startswith(b"data: ") for line in lines)
            assert time.monotonic() - began < 1
        assert (
            session.post(url, data=b"x" * 2_000_000, headers=EVENT, timeout=10).status_code == 413
        )
        elsewhere = session.get(f"{url}/livez", headers={"Host": "evil.example"}, timeout=5)
        assert elsewhere.status_code == 421 or "X-Request-ID" not in elsewhere.headers
        session.post(f"{url}/?access_token={token}", headers={"Authorization": ""}, timeout=5)
        wait_until(lambda: refused(service))
        (line,) = refused(service)
        # As in each restart.
        service.kill()
        away = session.post(
            f"{url}/?access_token={token}", headers={"Authorization": ""}, timeout=5
        )
        assert away.status_code == 502
    assert (line["client"], line["principal"]) == ("127.0.0.1", "me")
    for file in tmp_path.glob("*.log"):
        assert token not in file.read_text()
