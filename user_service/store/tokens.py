"""Tokens in the users' database."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine

from service_kit.access.stored_token import Execute, StoredToken, TokenTable
from user_service.store.transactions import reading, writing


class Tokens:
    """The tokens of a database. Every method raises StoreUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._table = TokenTable("?" if engine.dialect.name == "sqlite" else "%s")

    def all(self) -> Sequence[StoredToken]:
        """Every token that there ever was."""
        with reading(self._engine) as connection:
            return self._table.all(_execute(connection))

    def create(self, token: StoredToken) -> None:
        """Add one. Raises NameTaken."""
        self._change(lambda execute: self._table.create(execute, token))

    def rotate(self, token: StoredToken, keep_until: int) -> None:
        """Add one in the place of those of its name. Raises NoSuchToken."""
        self._change(lambda execute: self._table.rotate(execute, token, keep_until))

    def revoke(self, name: str, now: int) -> None:
        """End all of that name. Raises NoSuchToken."""
        self._change(lambda execute: self._table.revoke(execute, name, now))

    def _change(self, change: Callable[[Execute], object]) -> None:
        with writing(self._engine) as connection:
            change(_execute(connection))


def _execute(connection: Connection) -> Execute:
    def execute(statement: str, parameters: Sequence[Any]) -> Any:
        return connection.exec_driver_sql(statement, tuple(parameters))

    return execute
