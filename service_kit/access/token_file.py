"""Token file: tokens that are kept elsewhere, as a JSON array; read again when it changes.

Each item: `name`, `sha256` of the token in hexadecimal digits, `scopes`, and if they are bound,
`sources`.
"""

from collections.abc import Sequence
from typing import Annotated, Final

import structlog
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from service_kit.access.stored_token import StoredToken
from service_kit.changing_file import ChangingFile

log = structlog.get_logger()


class _Item(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(min_length=1, max_length=100)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    scopes: Annotated[list[str], Field(min_length=1)]
    sources: list[Annotated[str, Field(min_length=1)]] = []


_ITEMS: Final = TypeAdapter(list[_Item])


class WrongTokenFile(Exception):
    """The file cannot be read. The message says why, without what is in it."""


class TokenFile:
    """The tokens of a file. One that becomes wrong is said, and those before hold on."""

    def __init__(
        self, path: str, scopes: frozenset[str], reserved: frozenset[str] = frozenset()
    ) -> None:
        """Raises WrongTokenFile. `scopes`: those that there are; `reserved`: names of no token."""
        self._path = path
        self._scopes = scopes
        self._reserved = reserved
        self._file = ChangingFile(path)
        self._tokens: Sequence[StoredToken] = ()
        self._fault = ""
        self._read()

    def tokens(self) -> Sequence[StoredToken]:
        """Those that are in it now."""
        try:
            self._read()
        except WrongTokenFile as error:
            if self._fault != str(error):
                log.error("the tokens of the file before hold on", reason=str(error))  # noqa: TRY400 - one line
            self._fault = str(error)
        return self._tokens

    def _read(self) -> None:
        try:
            text = self._file.read_if_changed()
        except OSError as error:
            raise WrongTokenFile(f"cannot read {self._path}: {error.strerror}") from None
        if text is not None:
            self._tokens, self._fault = self._parsed(text), ""

    def _parsed(self, text: bytes) -> Sequence[StoredToken]:
        try:
            items = _ITEMS.validate_json(text)
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"]))
            raise WrongTokenFile(f"{self._path}: {where}: {error.errors()[0]['msg']}") from None
        for number, item in enumerate(items):
            if item.name in self._reserved:
                raise WrongTokenFile(f"{self._path}: {number}.name: is the service's own")
            for scope in item.scopes:
                if scope not in self._scopes:
                    raise WrongTokenFile(
                        f"{self._path}: {number}.scopes: {scope!r} is none of "
                        f"{', '.join(sorted(self._scopes))}"
                    )
        return [
            StoredToken(
                each.name,
                bytes.fromhex(each.sha256),
                frozenset(each.scopes),
                tuple(each.sources),
                created_at=0,
            )
            for each in items
        ]
