"""Sizes in bytes, as `2GiB`, `500MB` or a number; `auto` where the service may choose."""

import re
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, ByteSize, TypeAdapter, ValidationError

AUTO: Final = "auto"

# Pydantic passes over what follows: 5% would be five bytes.
_WHOLE: Final = re.compile(r"[0-9]*\.?[0-9]+ ?[A-Za-z]*")
_SIZE: TypeAdapter[ByteSize] = TypeAdapter(ByteSize)


def _size(value: object) -> object:
    if value == AUTO:
        return AUTO
    try:
        if isinstance(value, str | int) and _WHOLE.fullmatch(str(value)):
            return int(_SIZE.validate_python(value))
    except (ValidationError, OverflowError):
        pass
    raise ValueError("must be auto, or a number of bytes, as 0, 500MB or 2GiB")


ReserveSize = Annotated[int | Literal["auto"], BeforeValidator(_size)]
