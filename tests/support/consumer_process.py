"""Consumer as a process of its own: `audit-service consume` on a log below a folder."""

import json
import os
import signal
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Self

import apsw
import requests

from audit_service.log import Record, open_log
from audit_service.rejected import RejectedMessage, open_rejected
from tests.support.kafka_topics import group_of
from tests.support.ports import free_port
from tests.support.processes import BIN, environment, wait_until_ready
from tests.support.waiting import wait_until

ALL = 10**9


class ConsumerProcess:
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
    def cannot_keep_rejected(self) -> Iterator[None]:
        """Have it store events, and try to keep what is none again and again, which fails.

        It commits no offset before it has done both.
        """
        trigger = "BEFORE INSERT ON rejected BEGIN SELECT RAISE(ABORT, 'held'); END"
        self._execute(f"CREATE TRIGGER held {trigger}")
        try:
            yield
        finally:
            self._execute("DROP TRIGGER held")

    def _execute(self, statement: str) -> None:
        with closing(apsw.Connection(self.database.removeprefix("sqlite:///"))) as connection:
            connection.set_busy_timeout(10_000)
            connection.execute(statement)

    def _started(self, output: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(BIN / "audit-service"), "consume", self._url],
            env=environment(**self._settings),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def terminate(self, seconds: float = 30) -> int:
        """SIGTERM, and its exit code once it has ended."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(seconds)

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

    def wait_for(self, events: int, seconds: float = 60) -> None:
        """Return once so many events are stored."""
        self.wait_until(lambda: len(self.stored()) >= events, seconds)

    def wait_until(self, condition: Callable[[], object], seconds: float = 60) -> None:
        """Return once the condition holds; while its requests are refused it does not."""

        def holds() -> bool:
            with suppress(requests.RequestException):
                return bool(condition())
            return False

        try:
            wait_until(holds, seconds, step=0.05)
        except AssertionError as error:
            error.add_note(self.output()[-3000:])
            raise


def in_order(consumer: ConsumerProcess) -> None:
    """Each user's events are in the order in which they were sent."""
    by_user = defaultdict(list)
    for record in consumer.stored():
        by_user[record.event.attributes["subject"]].append(int(record.event.id))
    assert all(numbers == sorted(numbers) for numbers in by_user.values())
