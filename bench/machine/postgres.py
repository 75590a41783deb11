"""PostgreSQL: a server of the run's own, made and ended by PostgreSQL's own programs."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from bench.machine.server_process import free_port

PROGRAMS = ("initdb", "pg_ctl", "postgres")
HOW_TO_GET_IT = "needs PostgreSQL's initdb, pg_ctl and postgres on the PATH: install postgresql"
# They refuse to run as root.
_USER = "postgres" if os.geteuid() == 0 else None


@dataclass(frozen=True)
class Postgres:
    """A server on a port of 127.0.0.1 that trusts whoever connects."""

    port: int

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of an empty database, gone afterwards."""
        name = f"bench_{uuid.uuid4().hex}"
        self._execute(f"CREATE DATABASE {name}")
        try:
            yield self._url(name)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as db:
            db.execute(statement.encode())

    def _url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"


def is_there() -> bool:
    """Whether its programs are."""
    return all(map(shutil.which, PROGRAMS))


@contextmanager
def running() -> Iterator[Postgres]:
    """A server that runs until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        if _USER:
            shutil.chown(folder, _USER)
        data, log, port = f"{folder}/data", f"{folder}/log", free_port()
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=300"
        encoding = ("-E", "UTF8", "--locale=C.UTF-8")
        _run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", *encoding)
        _run("pg_ctl", "start", "-w", "-D", data, "-l", log, "-o", options)
        try:
            yield Postgres(port)
        finally:
            _run("pg_ctl", "stop", "-D", data, "-m", "fast")


def _run(*command: str) -> None:
    subprocess.run(command, user=_USER, cwd="/", check=True, stdout=subprocess.DEVNULL)
