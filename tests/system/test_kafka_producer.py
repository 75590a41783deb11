"""Processes of the user service and a real topic: direct, by the relay, without a broker."""

import time
from pathlib import Path

import requests

from tests.support import processes
from tests.support.kafka import Broker, Kept
from tests.support.ports import free_port

OZZY = {"name": "Ozzy Osbourne", "password": "12345"}


def make_and_change(url: str, times: int) -> str:
    """A new user whose name changes so many times; their id."""
    made = requests.post(f"{url}/v1/user", json=OZZY, timeout=10)
    assert made.status_code == 201, made.text
    user: str = made.json()["id"]
    for number in range(times):
        body = {"name": f"Ozzy {number}"}
        assert requests.patch(f"{url}/v1/user/{user}", json=body, timeout=10).ok
    return user


def versions(messages: list[Kept], user: str) -> list[bytes | None]:
    return [one.headers["ce_subjectversion"] for one in messages if one.key == user.encode()]


def in_order(messages: list[Kept], users: list[str]) -> bool:
    return all(versions(messages, user) == [b"1", b"2", b"3", b"4", b"5"] for user in users)


def test_without_a_broker_it_starts_answers_logs_json_and_ends(tmp_path: Path) -> None:
    sink = f"kafka://127.0.0.1:{free_port()}/audit?sasl.password=s3cret-word"
    with processes.user_service(tmp_path, sink) as users:
        answer = requests.post(f"{users.url}/v1/user", json=OZZY, timeout=5)
        assert (answer.status_code, answer.json()["outcome"]) == (500, "not-delivered")
        assert requests.get(f"{users.url}/readyz", timeout=5).ok
        assert users.terminate() == 0
        output = users.output()
        assert [line for line in output.splitlines() if not line.startswith("{")] == []
        assert "Connection refused" in output
        assert "Traceback" not in output
        assert "s3cret-word" not in output


def test_every_worker_sends_each_users_events_in_order(
    tmp_path: Path, kafka_broker: Broker
) -> None:
    topic = kafka_broker.new_topic()
    sink = f"kafka://{kafka_broker.address}/{topic}"
    with processes.user_service(tmp_path, sink, USER_SERVICE_DELIVERY_TIMEOUT=10) as service:
        users = [make_and_change(service.url, 4) for _ in range(5)]
        assert service.terminate() == 0
    assert in_order(kafka_broker.messages(topic), users)


def test_the_relay_sends_what_waits_in_the_outbox_in_each_users_order(
    tmp_path: Path, kafka_broker: Broker
) -> None:
    topic = kafka_broker.new_topic()
    sink = f"kafka://{kafka_broker.address}/{topic}"
    settings = {"USER_SERVICE_DELIVERY": "outbox"}
    with processes.user_service(tmp_path, sink, **settings) as service:
        users = [make_and_change(service.url, 4) for _ in range(10)]
        with processes.relay(tmp_path, sink, **settings) as relay:
            wait_until_empty(relay)
            assert relay.terminate() == 0
    assert in_order(kafka_broker.messages(topic), users)


def wait_until_empty(relay: processes.Relay) -> None:
    """Return once nothing waits in the outbox."""
    deadline = time.monotonic() + 30
    while (
        "user_service_outbox_waiting 0.0"
        not in requests.get(f"{relay.url}/metrics", timeout=5).text
    ):
        assert time.monotonic() < deadline, relay.output()
        time.sleep(0.05)
