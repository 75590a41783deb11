"""The service itself, before programs that nobody here wrote: its log over HTTP, and a witness."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from audit_service.evidence.checkpoints import Checkpoint, open_checkpoint
from audit_service.evidence.cosignatures import cosignatures
from audit_service.evidence.note_keys import generate_key
from tests.support.evidence_alterations import database
from tests.support.evidence_tools import Fsck, Litewitness
from tests.support.ports import free_port
from tests.support.processes import BIN, Service
from tests.support.waiting import wait_until

KEY = generate_key("log.example/service")
VKEY = "--vkey", str(KEY.verifier)
BATCH = "application/cloudevents-batch+json"

Start = Callable[..., Any]


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/events.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "AUDIT_SERVICE_DATABASE_URL": database_url,
        "AUDIT_SERVICE_INDEX": str(tmp_path / "index"),
        "AUDIT_SERVICE_LOG_KEY": KEY.private_text,
    }


@contextmanager
def running(folder: Path, settings: dict[str, str]) -> Iterator[str]:
    """The URL of the service."""
    with Service("audit-service", folder, free_port(), settings) as service:
        yield service.url


def send(url: str, first: int, count: int) -> None:
    """Events with these ids, in one batch."""
    events = [
        {"id": f"{n}", "source": "/s", "specversion": "1.0", "type": "t", "data": {"n": n}}
        for n in range(first, first + count)
    ]
    answer = requests.post(url, json=events, headers={"Content-Type": BATCH}, timeout=30)
    assert answer.status_code == 204, answer.text


def checkpoint(url: str) -> bytes:
    return requests.get(f"{url}/log/checkpoint", timeout=10).content


def head(url: str) -> Checkpoint:
    return open_checkpoint(checkpoint(url), KEY.verifier)[0]


def wait_for(url: str, size: int) -> None:
    """Return once a checkpoint of so many events is served."""
    wait_until(lambda: b"\n" in checkpoint(url) and b"{" not in checkpoint(url))
    wait_until(lambda: head(url).size == size, what=f"a checkpoint of {size}")


def audit(settings: dict[str, str], *words: str) -> int:
    done = subprocess.run(
        [BIN / "audit-service", *words], env=settings, capture_output=True, timeout=60, check=False
    )
    return done.returncode


def go_accepts(program: Path, *arguments: object) -> bool:
    words = [str(program), *map(str, arguments)]
    return subprocess.run(words, capture_output=True, timeout=60, check=False).returncode == 0


def test_others_accept_the_log_until_it_is_altered(
    settings: dict[str, str], database_url: str, fsck: Fsck, go_verify: Path, tmp_path: Path
) -> None:
    older = []
    with running(tmp_path, settings) as url:
        size = 0
        for count in (1, 255, 344):
            send(url, size, count)
            size += count
            wait_for(url, size)
            older.append(tmp_path / f"checkpoint-{size}")
            older[-1].write_bytes(checkpoint(url))
            assert fsck.accepts(f"{url}/log", KEY.verifier), fsck.output
        for index in (0, 255, 256, size - 1):
            assert go_accepts(go_verify, f"{url}/log", KEY.verifier, index, *older)
        assert audit(settings, "verify", *VKEY, "--url", url, "--since", str(older[0])) == 0
        assert audit(settings, "verify", *VKEY) == 0
        proof, event = str(tmp_path / "p"), str(tmp_path / "e")
        words = ["proof", "300", "-o", proof, "--event", event, "--url", url]
        assert audit(settings, *words) == 0
        assert audit({}, "verify-proof", proof, "--event", event, *VKEY) == 0
    with database(database_url) as db:
        db.run("UPDATE event SET type = 'u' WHERE position = 300")
    with running(tmp_path, settings) as url:
        assert not fsck.accepts(f"{url}/log", KEY.verifier)
        assert audit(settings, "verify", *VKEY, "--url", url) == 1
        assert audit(settings, "verify", *VKEY) == 1


def test_a_real_witness_cosigns_what_the_service_signs(
    settings: dict[str, str], fsck: Fsck, litewitness: Litewitness, tmp_path: Path
) -> None:
    litewitness.make_known(KEY.verifier)
    witness = litewitness.witness
    policy = tmp_path / "policy"
    policy.write_text(f"witness lite {witness.key} {witness.url}\nquorum lite\n")
    settings["AUDIT_SERVICE_WITNESS_POLICY"] = str(policy)
    with running(tmp_path, settings) as url:
        for size in (300, 700):
            send(url, size, size if size == 300 else 400)
            wait_until(lambda size=size: litewitness.seen(KEY.verifier) == size)  # type: ignore[misc]
            wait_for(url, size)
            _, note = open_checkpoint(checkpoint(url), KEY.verifier)
            assert len(cosignatures(note.text, note.signatures, [witness.key])) == 1
        assert fsck.accepts(f"{url}/log", KEY.verifier), fsck.output
        ready = requests.get(f"{url}/readyz", timeout=10).json()["evidence"]
        assert ready["witnessed"] == {"size": 700, "waiting_seconds": 0.0}
        assert audit(settings, "verify", *VKEY, "--url", url, "--policy", str(policy)) == 0
    assert audit(settings, "verify", *VKEY, "--policy", str(policy)) == 0
