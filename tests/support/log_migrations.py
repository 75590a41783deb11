"""Folders of migrations of the log: the first ones only, or one more than there is."""

import shutil
from importlib.resources import as_file, files
from pathlib import Path

BACKENDS = ("sqlite", "postgres")


def first_migrations(folder: Path, last: int) -> Path:
    """The migrations up to number `last`, as a version of then had them."""
    migrations = _copy(folder)
    for script in migrations.glob("*/*.sql"):
        if int(script.name.partition("_")[0]) > last:
            script.unlink()
    return migrations


def one_more_migration(folder: Path, sql: str) -> Path:
    """All migrations, and for each backend that statement as the newest."""
    migrations = _copy(folder)
    for backend in BACKENDS:
        newest = max(script.name for script in (migrations / backend).glob("*.sql"))
        number = int(newest.partition("_")[0]) + 1
        (migrations / backend / f"{number:04}_another.sql").write_text(sql, encoding="utf-8")
    return migrations


def _copy(folder: Path) -> Path:
    with as_file(files("audit_service.log") / "migrations") as packaged:
        return shutil.copytree(packaged, folder / "migrations")
