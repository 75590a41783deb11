"""The relay as a process: it serves its admin port, delivers, and ends when it is told to."""

import time
from pathlib import Path

import pytest
import requests

from tests.support import processes
from tests.support.sink_server import answering, open_sink


def waiting(relay: processes.Relay) -> bool:
    return (
        "user_service_outbox_waiting 0.0"
        not in requests.get(f"{relay.url}/metrics", timeout=5).text
    )


def outbox_of_a_user(folder: Path, sink: str) -> None:
    """A user is made, whose event waits."""
    with processes.user_service(folder, sink, USER_SERVICE_DELIVERY="outbox") as users:
        body = {"name": "Ozzy", "password": "12345"}
        assert requests.post(f"{users.url}/v1/user", json=body, timeout=10).status_code == 201
        assert users.terminate() == 0


@pytest.mark.parametrize("standing_by", [False, True])
def test_it_ends_within_seconds_at_sigterm(tmp_path: Path, standing_by: bool) -> None:  # noqa: FBT001
    with (
        open_sink(answering()) as sink,
        processes.relay(tmp_path, sink.url) as first,
    ):
        if not standing_by:
            began = time.monotonic()
            assert first.terminate() == 0
            assert time.monotonic() - began < 5
            return
        with processes.relay(tmp_path, sink.url) as second:
            assert second.readiness()["lease"] == "standing by"
            began = time.monotonic()
            assert second.terminate() == 0
            assert time.monotonic() - began < 5
            assert first.readiness()["lease"] == "held"


def test_another_is_active_at_once_when_one_ends_and_what_waits_is_delivered(
    tmp_path: Path,
) -> None:
    with open_sink(answering()) as sink:
        outbox_of_a_user(tmp_path, "http://127.0.0.1:1/")
        with (
            processes.relay(tmp_path, sink.url, USER_SERVICE_RELAY_LEASE_SECONDS=60) as first,
            processes.relay(tmp_path, sink.url, USER_SERVICE_RELAY_LEASE_SECONDS=60) as second,
        ):
            sink.wait_for(1)
            assert first.terminate() == 0
            deadline = time.monotonic() + 10
            while second.readiness()["lease"] != "held":
                assert time.monotonic() < deadline
            assert not waiting(second)
    assert len(sink.received) == 1
