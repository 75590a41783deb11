"""A PostgreSQL server for the tests, on a port of its own and gone after them."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import psycopg

from tests.support.ports import free_port

NEEDED = ("initdb", "postgres")
HOW_TO_GET_IT = "needs PostgreSQL's initdb and postgres on the PATH: install postgresql"


class Server:
    """A cluster of the test run's own. `environment`: variables that its server has besides."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = {**os.environ, **environment}
        # initdb and postgres refuse to run as root.
        self._user = "postgres" if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    def url(self, database: str = "postgres") -> str:
        """Where a database of it is."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def initialise(self) -> None:
        """Make the cluster."""
        if self._user:
            shutil.chown(self._folder, self._user)
        command = ["initdb", "-D", str(self._folder / "data"), "-U", "postgres", "-A", "trust"]
        subprocess.run(
            [*command, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
            user=self._user,
            cwd="/",
            check=True,
            capture_output=True,
        )

    def start(self) -> None:
        """Return once it takes connections."""
        # Without fsync: no test cuts the power of the machine, and most wait for the disk.
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=300"]
        options += ["-c", "fsync=off"]
        command = ["postgres", "-D", str(self._folder / "data"), "-k", str(self._folder)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "-p", str(self.port), *options],
                user=self._user,
                cwd="/",
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """Stop it as an operator would, clients or no."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Stop it with nothing put in order, so that it has to recover."""
        self._end(signal.SIGQUIT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def new_database(self, name: str) -> str:
        """The URL of an empty database."""
        with psycopg.connect(self.url(), autocommit=True) as db:
            db.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop it, whoever is connected."""
        with psycopg.connect(self.url(), autocommit=True) as db:
            statement = psycopg.sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            db.execute(statement.format(psycopg.sql.Identifier(name)))


def is_there() -> bool:
    """Whether the programs are."""
    return all(shutil.which(name) for name in NEEDED)


@contextmanager
def running(environment: Mapping[str, str] = MappingProxyType({})) -> Iterator[Server]:
    """A server that runs until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        server = Server(Path(folder), environment)
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            server.stop()
