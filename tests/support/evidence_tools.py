"""Tools of others on a log: `fsck` of tessera, and `litewitness` of torchwood with its agent."""

import os
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from audit_service.evidence.merkle import EMPTY_ROOT
from audit_service.evidence.note_keys import VerifierKey, parse_verifier_key, to_base64
from audit_service.evidence.witness_policy import Witness
from tests.support import go_tools
from tests.support.ports import free_port
from tests.support.waiting import wait_until

FSCK_SECONDS = 60
SUCCESS = "Successfully fsck'd"
NAME = "witness.example/lite"


class Fsck:
    """tessera's check of a whole log over HTTP."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._key_file = folder / "key.pub"
        self.output = ""

    def accepts(self, url: str, key: VerifierKey, *more: str) -> bool:
        """Whether it says so: its exit code is 0 in either case."""
        self._key_file.write_text(str(key))
        # With one worker or two it can wait for ever.
        words = [f"--storage_url={url}/", f"--public_key={self._key_file}", "-N=4", "--ui=false"]
        try:
            done = subprocess.run(
                [self._program, *words, *more],
                capture_output=True,
                timeout=FSCK_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            self.output = (error.stderr or b"").decode()
            return False
        self.output = done.stderr.decode()
        return SUCCESS in self.output


class Litewitness:
    """A real witness. It knows the logs that were made known to it."""

    def __init__(self, folder: Path, url: str, output: Path) -> None:
        self._folder = folder
        self._output = output
        self.url = url

    @property
    def witness(self) -> Witness:
        """As a policy has it."""
        (text,) = [
            word.removeprefix("vkey=")
            for word in self._output.read_text().split()
            if word.startswith("vkey=")
        ]
        return Witness("lite", parse_verifier_key(text), self.url)

    def make_known(self, key: VerifierKey) -> None:
        """Let it know a log: a row, since its own control program is none that builds."""
        with sqlite3.connect(self._folder / "witness.db", timeout=10) as db:
            db.execute("INSERT INTO log VALUES (?, 0, ?)", (key.name, to_base64(EMPTY_ROOT)))
            db.execute("INSERT INTO key VALUES (?, ?)", (key.name, str(key)))
        db.close()

    def seen(self, key: VerifierKey) -> int:
        """The size of the tree of that log that it saw last."""
        db = sqlite3.connect(self._folder / "witness.db", timeout=10)
        (size,) = db.execute("SELECT tree_size FROM log WHERE origin = ?", (key.name,)).fetchone()
        db.close()
        return int(size)


@contextmanager
def running_litewitness() -> Iterator[Litewitness]:
    """A witness with a new key, which an SSH agent of its own keeps."""
    program = go_tools.installed(*go_tools.LITEWITNESS)
    # A socket's path is short.
    with tempfile.TemporaryDirectory(prefix="witness-") as name:
        folder, port = Path(name), free_port()
        output = folder / "output"
        with _agent(folder) as fingerprint, output.open("wb") as file:
            words = [str(program), f"-name={NAME}", f"-db={folder / 'witness.db'}"]
            words += [f"-key={fingerprint}", f"-ssh-agent={folder / 'agent'}"]
            words += [f"-listen=127.0.0.1:{port}"]
            process = subprocess.Popen(words, stdout=file, stderr=subprocess.STDOUT)
            try:
                url = f"http://127.0.0.1:{port}"
                wait_until(lambda: _answers(url))
                yield Litewitness(folder, url, output)
            finally:
                process.terminate()
                process.wait()


@contextmanager
def _agent(folder: Path) -> Iterator[str]:
    """An SSH agent with one key: its fingerprint."""
    socket, key = folder / "agent", folder / "key"
    try:
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
        subprocess.run(words, check=True)
    except FileNotFoundError:
        pytest.skip("needs an SSH agent (openssh-client)")
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        wait_until(socket.exists)
        variables = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
        subprocess.run(["ssh-add", "-q", str(key)], env=variables, check=True)
        listed = subprocess.run(
            ["ssh-keygen", "-lf", f"{key}.pub"], capture_output=True, text=True, check=True
        )
        yield listed.stdout.split()[1]
    finally:
        agent.terminate()
        agent.wait()


def _answers(url: str) -> bool:
    with suppress(requests.ConnectionError):
        return requests.get(url, timeout=5).status_code < 500
    return False
