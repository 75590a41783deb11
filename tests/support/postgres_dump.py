"""A PostgreSQL database as SQL text, by the tools that come with the server."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psycopg

HOW_TO_GET_IT = "needs PostgreSQL's pg_dump and pg_restore: install postgresql-client"

# Comments, psql's own commands, and settings that servers of another version lack.
_NOISE = re.compile(r"^(--.*|\\.*|SET (\w+_timeout|row_security|xmloption).*|)\n", re.MULTILINE)


def is_there() -> bool:
    """Whether the tools are."""
    return all(shutil.which(name, path=path()) for name in ("pg_dump", "pg_restore"))


def path() -> str:
    """A PATH on which the tools are those of the server, where they lie beside it."""
    server = shutil.which("initdb")
    beside = [] if server is None else [str(Path(server).resolve().parent)]
    return os.pathsep.join([*beside, os.environ["PATH"]])


def dump(url: str) -> str:
    """Schema and rows, the same text whichever version of pg_dump wrote it."""
    command = ["pg_dump", "--inserts", "--no-owner", "--no-privileges", url]
    done = subprocess.run(command, env=environment(), check=True, capture_output=True, text=True)
    return _NOISE.sub("", done.stdout)


def load(url: str, sql: str) -> None:
    """Let the empty database at `url` be what was dumped."""
    with psycopg.connect(url) as db:
        db.execute(sql.encode())


def environment() -> Mapping[str, str]:
    """This process's, with the tools on its PATH."""
    return {**os.environ, "PATH": path()}
