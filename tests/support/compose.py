"""Compose: projects of a test's own, and whether there is an engine for them."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]
PROJECT = f"post-cloudevents-test-{os.getpid()}"


def engine_is_there() -> bool:
    if shutil.which("docker") is None:
        return False
    return all(
        subprocess.run(["docker", *words], capture_output=True, check=False).returncode == 0
        for words in (["info"], ["compose", "version"])
    )


containers = [
    pytest.mark.containers,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not engine_is_there(), reason="needs a running container engine with Compose v2: start one"
    ),
]


class Compose:
    """A Compose project of the test's own, on ports of its own. `flags` name its profile."""

    def __init__(self, flags: list[str], **variables: str) -> None:
        self.project = PROJECT
        self._command = ["docker", "compose", "-p", PROJECT, *flags]
        users, events = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self.users, self.events = f"http://{users}", f"http://{events}"
        published = {"PUBLISH_USERS": users, "PUBLISH_EVENTS": events}
        self.environment = {**os.environ, **published, **variables}

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            [*self._command, *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def containers(self) -> list[dict[str, Any]]:
        """What the engine knows of each container of our image."""
        return [each for each in self.every() if each["Config"]["Image"] == "post-cloudevents"]

    def every(self) -> list[dict[str, Any]]:
        """What the engine knows of each container."""
        names = self("ps", "--all", "--quiet").split()
        described = subprocess.run(
            ["docker", "inspect", *names], capture_output=True, text=True, check=True
        )
        found: list[dict[str, Any]] = json.loads(described.stdout)
        return found
