"""Virtual environments for peers that cannot share ours, made once below `.bench/`."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

CACHE = Path(".bench")
FRAMEWORK = ("functions-framework==3.10.2", "cloudevents==1.12.0")
# What serves it: the same versions as serve us.
SHARED = ("flask", "werkzeug", "gunicorn", "orjson", "pydantic", "pydantic-settings", "structlog")
INSTALL_SECONDS = 300


class NotInstalled(Exception):
    """The environment could not be made; the message says why."""


def framework() -> Path:
    """The Python of an environment that has functions-framework. Raises NotInstalled."""
    wanted = (*FRAMEWORK, *(f"{name}=={version(name)}" for name in SHARED))
    folder = CACHE / "functions-framework"
    python, marker = folder / "bin" / "python", folder / "installed"
    if marker.exists() and marker.read_text() == _text(wanted):
        return python.absolute()
    _run(sys.executable, "-m", "venv", "--clear", str(folder))
    pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _run(*pip, *wanted)
    marker.write_text(_text(wanted))
    return python.absolute()


def _text(requirements: tuple[str, ...]) -> str:
    return f"{sys.version}\n" + "\n".join(requirements)


def _run(*command: str) -> None:
    try:
        subprocess.run(  # noqa: S603 - words of ours
            command, check=True, capture_output=True, timeout=INSTALL_SECONDS
        )
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip().splitlines()
        raise NotInstalled(reason[-1] if reason else str(error)) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(str(error)) from None
