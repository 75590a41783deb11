"""A pgbouncer before the tests' PostgreSQL server, which drops what clients ask for at start."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.support.ports import free_port

HOW_TO_GET_IT = "needs pgbouncer on the PATH: install pgbouncer"

_CONFIG = """
[databases]
* = host=127.0.0.1 port={server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 20
max_client_conn = 300
ignore_startup_parameters = {ignored}
logfile = {folder}/pgbouncer.log
pidfile = {folder}/pgbouncer.pid
"""


def is_there() -> bool:
    """Whether the program is."""
    return shutil.which("pgbouncer") is not None


@contextmanager
def running(server_port: int, mode: str, *, ignored: str = "options") -> Iterator[int]:
    """The port of a pgbouncer that pools by `mode`, session or transaction."""
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as folder:
        port = free_port()
        config = Path(folder, "pgbouncer.ini")
        config.write_text(
            _CONFIG.format(server=server_port, port=port, mode=mode, folder=folder, ignored=ignored)
        )
        user = None
        if os.geteuid() == 0:
            # It refuses to run as root.
            user = "postgres"
            shutil.chown(folder, user)
        command = ["pgbouncer", "--quiet", str(config)]
        with subprocess.Popen(command, user=user, cwd="/") as process:
            try:
                _wait(port)
                yield port
            finally:
                process.terminate()


def _wait(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(
                f"postgresql://postgres@127.0.0.1:{port}/postgres", connect_timeout=2
            ).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
