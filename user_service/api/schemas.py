"""Schemas of responses, bodies and queries."""

import re
import unicodedata
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from service_kit.http import cursors
from service_kit.http.query_parameters import WholeNumber
from user_service.users.passwords import PASSWORD_MAX_LENGTH

NAME_LENGTH = 200
# As a set of characters in a pattern.
_CONTROLS = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
# No character decomposes into more than four: a longer text is no name in normal form C either.
_LONGEST_DECOMPOSED = 4 * NAME_LENGTH
MAX_MICROSECONDS = 2**63 - 1

# Controls, line and paragraph separators, and halves of surrogate pairs, which JSON can spell
# and no database can keep.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# Letters and a symbol that are blank.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_UNSEEN = {"Cc", "Cf", "Cs"}
_CURSOR = re.compile(r"after:([0-9]{1,19}):([0-9a-f-]{36})", re.ASCII)


def _name(text: str) -> str:
    """The name as it is kept: trimmed, in Unicode's normal form C."""
    trimmed = text.strip()
    # Normalising takes the square of the length of what combines.
    name = unicodedata.normalize("NFC", trimmed) if len(trimmed) <= _LONGEST_DECOMPOSED else ""
    if not 1 <= len(name) <= NAME_LENGTH:
        raise ValueError(f"must have 1 to {NAME_LENGTH} characters, not counting space around it")
    if not any(map(_is_visible, name)):
        raise ValueError("must have a character that can be seen")
    if _UNFIT.search(name):
        raise ValueError("must not have control characters or lone surrogates")
    return name


def _is_visible(character: str) -> bool:
    """Not a space, a control or a formatting character, nor blank by design."""
    category = unicodedata.category(character)
    return category[0] != "Z" and category not in _UNSEEN and character not in _BLANK


def _prefix(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _cursor(cursor: str) -> str:
    decode_cursor(cursor)
    return cursor


Name = Annotated[
    str,
    AfterValidator(_name),
    Field(
        description=f"1 to {NAME_LENGTH} characters, not counting space around it",
        examples=["Ozzy Osbourne"],
        # For the document alone: `_name` checks, and trims before it counts.
        json_schema_extra={
            "minLength": 1,
            "maxLength": NAME_LENGTH,
            # Without a look-ahead, for which those who make examples of it need half a minute.
            "pattern": rf"^[^{_CONTROLS}]*[^\s{_CONTROLS}][^{_CONTROLS}]*$",
        },
    ),
]
Password = Annotated[str, Field(min_length=1, max_length=PASSWORD_MAX_LENGTH, examples=["12345"])]


class CreateUserRequest(BaseModel):
    """A user to create."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Name
    password: Password


class UpdateUserRequest(BaseModel):
    """New values of a user's fields; an absent one stays as it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    # Factories, so that an absent field is no null, which stays refused.
    name: Name = Field(default_factory=str)
    password: Password = Field(default_factory=str)


class UsersQuery(BaseModel):
    """A query of users."""

    model_config = ConfigDict(extra="forbid")

    limit: WholeNumber = Field(default=100, ge=1, le=1000, description="How many at most")
    cursor: Annotated[str, AfterValidator(_cursor)] | None = Field(
        default=None, description="`next` of the page before; opaque"
    )
    name: Annotated[str, AfterValidator(_prefix)] = Field(
        default="", max_length=NAME_LENGTH, description="Only names that begin so"
    )


class UserResponse(BaseModel):
    """A user."""

    id: str
    name: str
    created_at: datetime
    updated_at: datetime


class UsersPage(BaseModel):
    """Users, in the order of their creation."""

    items: list[UserResponse]
    next: str | None = Field(description="The cursor of the next page; null on the last")


def encode_cursor(key: tuple[int, str]) -> str:
    """The cursor of the page after a sort key (created at, id)."""
    return cursors.encode(f"after:{key[0]}:{key[1]}")


def decode_cursor(cursor: str) -> tuple[int, str]:
    """The sort key in a cursor. Raises ValueError where it is no cursor of ours."""
    match = _CURSOR.fullmatch(cursors.decode(cursor))
    if match is None or int(match[1]) > MAX_MICROSECONDS:
        raise ValueError("is no cursor that a page gave")
    return int(match[1]), match[2]
