"""Topic that a test writes to, and the consumer as a real process that reads it."""

import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Self

import requests
from confluent_kafka import Producer

from audit_service.log import Record, open_log
from audit_service.rejected import RejectedMessage, open_rejected
from service_kit.kafka import topic_url
from tests.support.kafka import Broker
from tests.support.processes import BIN, environment, free_port, wait_until_ready

Headers = Sequence[tuple[str, bytes | None]]
ALL = 10**9


class Topic:
    """A topic of a broker, and a producer that fails where something is not acknowledged."""

    def __init__(self, broker: Broker, partitions: int = 3, **config: str) -> None:
        self.broker = broker
        self.partitions = partitions
        self.name = broker.new_topic(partitions, **config)
        self.url = f"kafka://{broker.address}/{self.name}"
        self._producer = Producer({**broker.client, "linger.ms": 5, "enable.idempotence": True})

    def send(
        self,
        headers: Headers = (),
        value: bytes | None = None,
        key: str | None = None,
        partition: int = -1,
    ) -> None:
        """Queue a message; `flush` waits until all are acknowledged."""
        self._producer.produce(
            self.name, value, key, partition, headers=list(headers), on_delivery=_acknowledged
        )
        self._producer.poll(0)

    def event(self, event_id: str, key: str | None = None, **attributes: str) -> None:
        """Queue a small event in binary mode."""
        self.send(headers_of(event_id, **attributes), b'{"a":1}', key)

    def flush(self) -> None:
        """Return once all that was queued is acknowledged."""
        assert self._producer.flush(90) == 0


def _acknowledged(error: object, _message: object) -> None:
    assert error is None, error


def headers_of(event_id: str, **attributes: str) -> list[tuple[str, bytes | None]]:
    """The headers of an event in binary mode."""
    given: Mapping[str, str] = {
        "id": event_id,
        "source": "/kafka-tests",
        "type": "test.event",
        "specversion": "1.0",
        **attributes,
    }
    headers: list[tuple[str, bytes | None]] = [(f"ce_{n}", v.encode()) for n, v in given.items()]
    return [*headers, ("content-type", b"application/json")]


def group_of(url: str) -> str:
    """The consumer group that reads the topic at a URL: one of its own."""
    return f"group-of-{topic_url.parse(url).topic}"


class Consuming:
    """`audit-service consume` as a process, with its log below a folder."""

    def __init__(self, folder: Path, url: str, name: str = "consumer", **settings: object) -> None:
        self.database = f"sqlite:///{folder}/events.db"
        self._bind = f"127.0.0.1:{free_port()}"
        self.health = f"http://{self._bind}"
        self._url = url
        self._output = folder / f"{name}.log"
        self._settings = {
            "AUDIT_SERVICE_DATABASE_URL": self.database,
            "AUDIT_SERVICE_CONSUMER_BIND": self._bind,
            # A killed consumer is a member of its group until its session expires.
            "AUDIT_SERVICE_KAFKA_GROUP": group_of(url),
            **settings,
        }
        self.database = str(self._settings["AUDIT_SERVICE_DATABASE_URL"])
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Return once it serves its health; it may not be in the group yet."""
        self.launch()
        assert self._process is not None
        wait_until_ready(self.health, self._process, self._output)

    def launch(self) -> None:
        """Start it, and wait for nothing."""
        with self._output.open("ab") as output:
            self._process = self._started(output)

    @contextmanager
    def held_at(self, text: str) -> Iterator[None]:
        """Start it, have it wait in a write soon after it wrote `text`, and kill it at the end.

        It writes into a pipe of a page, which is not read any more once `text` came out.
        """
        reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        with os.fdopen(writing, "wb") as output:
            self._process = self._started(output)
        try:
            said = b""
            while text.encode() not in said:
                piece = os.read(reading, 64)
                assert piece, said
                said += piece
            yield
        finally:
            self.kill()
            os.close(reading)

    def _started(self, output: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(BIN / "audit-service"), "consume", self._url],
            env=environment(**self._settings),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def terminate(self, patience: float = 30) -> int:
        """SIGTERM, and its exit code once it has ended."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(patience)

    def kill(self) -> None:
        """SIGKILL, as in a power cut."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def output(self) -> str:
        """Everything that it has printed."""
        return self._output.read_text() if self._output.exists() else ""

    def lines(self, message: str) -> list[dict[str, Any]]:
        """The JSON lines with the message."""
        found = (json.loads(line) for line in self.output().splitlines() if line[:1] == "{")
        return [line for line in found if line["message"] == message]

    def ready(self) -> tuple[int, dict[str, Any]]:
        """What /readyz answers."""
        answer = requests.get(f"{self.health}/readyz", timeout=5)
        return answer.status_code, answer.json()

    def lag(self) -> int | None:
        """The messages that are not stored yet; None where it is not known."""
        lag = self.ready()[1]["lag"]
        return sum(lag.values()) if lag else None

    def metrics(self) -> str:
        """The text of /metrics."""
        return requests.get(f"{self.health}/metrics", timeout=5).text

    def stored(self) -> list[Record]:
        """Every record of the log, the oldest first."""
        log = open_log(self.database)
        try:
            return list(log.newest(None, ALL, ALL).records)[::-1]
        finally:
            log.close()

    def ids(self) -> list[str]:
        """The ids of the events of the log, the oldest first."""
        return [record.event.id for record in self.stored()]

    def rejected(self) -> list[RejectedMessage]:
        """Every message that was rejected."""
        return [kept.message for kept in open_rejected(self.database).page(0, ALL)]

    def wait_for(self, events: int, patience: float = 60) -> None:
        """Return once so many events are stored."""
        self.wait_until(lambda: len(self.stored()) >= events, patience)

    def wait_until(self, condition: Callable[[], object], patience: float = 60) -> None:
        """Return once the condition holds; what it is asked may refuse meanwhile."""
        assert wait_until(condition, patience), self.output()[-3000:]


def wait_until(condition: Callable[[], object], patience: float = 60) -> bool:
    """Whether the condition came to hold within so many seconds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        with suppress(requests.RequestException):
            if condition():
                return True
        time.sleep(0.05)
    return False
