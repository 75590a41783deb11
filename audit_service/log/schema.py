"""Schema of the log: numbered migrations, `<backend>/NNNN_name.sql`, each in a transaction."""

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable


class SchemaMismatch(Exception):
    """The database's schema is not the one that this version works with."""


class Schema:
    """The migrations of one backend, those of this package unless a folder is given."""

    def __init__(self, backend: str, folder: Traversable | None = None) -> None:
        """`backend`: "sqlite" or "postgres"."""
        self._scripts = (folder or files("audit_service.log") / "migrations") / backend

    def migrations(self) -> Mapping[int, str]:
        """The SQL of each migration by its number, from 1, without a gap."""
        scripts = {
            int(script.name.partition("_")[0]): script.read_text(encoding="utf-8")
            for script in self._scripts.iterdir()
            if script.name.endswith(".sql")
        }
        return dict(sorted(scripts.items()))

    def check(self, found: int) -> None:
        """Raises SchemaMismatch unless `found` is the newest version."""
        newest = max(self.migrations())
        if found < newest:
            raise SchemaMismatch(
                f"the event log's schema is at version {found} and {newest} is needed: "
                "run `audit-service migrate`"
            )
        if found > newest:
            raise SchemaMismatch(
                f"the event log's schema is at version {found}, newer than this program's {newest}"
            )
