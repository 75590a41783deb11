"""Virtual environments of what the benchmark alone needs, or what cannot share ours.

Each is made once in `.bench/`.
"""

import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bench.machine.workspace import CACHE

INSTALL_SECONDS = 300


class NotInstalled(Exception):
    """The environment could not be made; the message says why."""


@dataclass(frozen=True)
class Environment:
    """What is in it: `packages` with their versions, and `shared` in the versions that we have."""

    name: str
    packages: tuple[str, ...]
    shared: tuple[str, ...]

    def python(self) -> Path:
        """Its Python, once all is there. Raises NotInstalled."""
        wanted = (*self.packages, *(f"{name}=={version(name)}" for name in self.shared))
        text = "\n".join([sys.version, *wanted])
        folder = CACHE / self.name
        python, marker = folder / "bin" / "python", folder / "installed"
        if not marker.exists() or marker.read_text() != text:
            _run(sys.executable, "-m", "venv", "--clear", str(folder))
            pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
            _run(*pip, *wanted)
            marker.write_text(text)
        return python.absolute()


# Its SDK is of the 1.x line.
FRAMEWORK = Environment(
    "functions-framework",
    ("functions-framework==3.10.2", "cloudevents==1.12.0"),
    ("flask", "werkzeug", "gunicorn"),
)
GRANIAN = Environment("granian", ("granian==2.8.7",), ("flask", "werkzeug", "cloudevents"))
ALL = (FRAMEWORK, GRANIAN)


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.CalledProcessError as error:
        raise NotInstalled(error.stderr.strip().rpartition("\n")[2] or str(error)) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(str(error)) from None
