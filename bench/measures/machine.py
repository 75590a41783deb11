"""The machine that the numbers were measured on: a row of a table for each thing."""

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

from bench.contenders.environments import ALL

PACKAGES = (
    *("flask", "gunicorn", "cloudevents", "apiflask", "apsw", "psycopg", "argon2-cffi", "orjson"),
    *("pydantic", "sqlalchemy", "structlog"),
)


def describe(disk: Path) -> list[tuple[str, str]]:
    """Names and values, in an order to be read; `disk`: where the data was."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    file_system = _output("stat", "--file-system", "--format=%T", str(disk))
    return [
        ("Processor", f"{_processor()}, {os.cpu_count()} cores"),
        ("Memory", f"{memory / 2**30:.0f} GiB"),
        ("System", f"{platform.system()} {platform.release()}"),
        ("File system of the data", file_system or "unknown"),
        ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("Packages", ", ".join(f"{name} {version(name)}" for name in PACKAGES)),
        *((one.name, ", ".join(one.packages).replace("==", " ")) for one in ALL),
        ("wrk", _output("wrk", "--version").partition("[")[0].removeprefix("wrk").strip()),
        ("PostgreSQL", _output("postgres", "--version") or "none"),
    ]


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def _output(*command: str) -> str:
    """The first line that it prints; empty where it is not there. wrk exits 1 after its version."""
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.partition("\n")[0].strip()
