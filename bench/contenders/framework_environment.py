"""Virtual environment of functions-framework, which cannot share ours; made once in `.bench/`."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from bench.machine.workspace import CACHE

FRAMEWORK = ("functions-framework==3.10.2", "cloudevents==1.12.0")
# What serves it: the same versions as serve the other peers.
SHARED = ("flask", "werkzeug", "gunicorn")
INSTALL_SECONDS = 300


class NotInstalled(Exception):
    """The environment could not be made; the message says why."""


def framework() -> Path:
    """The Python of an environment that has functions-framework. Raises NotInstalled."""
    wanted = (*FRAMEWORK, *(f"{name}=={version(name)}" for name in SHARED))
    text = "\n".join([sys.version, *wanted])
    folder = CACHE / "functions-framework"
    python, marker = folder / "bin" / "python", folder / "installed"
    if not marker.exists() or marker.read_text() != text:
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        _run(*pip, *wanted)
        marker.write_text(text)
    return python.absolute()


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.CalledProcessError as error:
        raise NotInstalled(error.stderr.strip().rpartition("\n")[2] or str(error)) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(str(error)) from None
