"""Programs in Go that nobody here wrote, or that use Go's own packages: built once, and kept."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GO_FILES = ROOT / "tests" / "go"
BUILT = ROOT / "build" / "go"
"""Left out of the repository; a program of a version is built once for all test runs."""
HOW_TO_GET_IT = "needs Go 1.26 or newer, and what it fetches programs from"
BUILD_SECONDS = 600

FSCK = "github.com/transparency-dev/tessera/cmd/fsck", "v1.0.2"
LITEWITNESS = "filippo.io/torchwood/cmd/litewitness", "v0.6.1"


def installed(package: str, version: str) -> Path:
    """The program of a package at a version. Skips the test where it cannot be had."""
    folder = BUILT / f"{package.rsplit('/', 1)[-1]}-{version}"
    program = folder / package.rsplit("/", 1)[-1]
    folder.mkdir(parents=True, exist_ok=True)
    # Tests in other processes want it, too, and none may run what is half written.
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _go("install", f"{package}@{version}", GOBIN=str(folder))
    return program


def ours(name: str, folder: Path) -> Path:
    """A program of tests/go."""
    _go("build", "-C", str(GO_FILES), "-o", str(folder / name), f"./{name}")
    return folder / name


def run_ours(name: str, *arguments: str) -> bytes:
    """What a program of tests/go prints."""
    return _go("run", "-C", str(GO_FILES), f"./{name}", *arguments)


def _go(*words: str, **variables: str) -> bytes:
    go = shutil.which("go")
    if go is None:
        pytest.skip(HOW_TO_GET_IT)
    # The version that is there, and no other that it would fetch.
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "", **variables}
    done = subprocess.run(
        [go, *words], env=environment, capture_output=True, timeout=BUILD_SECONDS, check=False
    )
    if done.returncode:
        pytest.skip(f"{HOW_TO_GET_IT}: {done.stderr.decode()[-300:]}")
    return done.stdout
