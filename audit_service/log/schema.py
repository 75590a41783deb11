"""Numbered migrations of the log: `migrations/<backend>/NNNN_name.sql`, each in a transaction."""

from collections.abc import Mapping
from importlib.resources import files


class SchemaMismatch(Exception):
    """The database's schema is not the one that this version works with."""


def migrations(backend: str) -> Mapping[int, str]:
    """The SQL of each migration by its number, from 1, without a gap."""
    folder = files("audit_service.log") / "migrations" / backend
    scripts = {
        int(script.name.partition("_")[0]): script.read_text(encoding="utf-8")
        for script in folder.iterdir()
        if script.name.endswith(".sql")
    }
    return dict(sorted(scripts.items()))


def check(backend: str, found: int) -> None:
    """Raises SchemaMismatch unless `found` is the newest version."""
    newest = max(migrations(backend))
    if found < newest:
        raise SchemaMismatch(
            f"the event log's schema is at version {found} and {newest} is needed: "
            "run `audit-service migrate`"
        )
    if found > newest:
        raise SchemaMismatch(
            f"the event log's schema is at version {found}, newer than this program's {newest}"
        )
