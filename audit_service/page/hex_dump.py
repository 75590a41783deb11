"""Bytes as people read them: sixteen a line, with their offset and what of them is ASCII."""

from typing import Final

WIDTH: Final = 16
PRINTABLE: Final = range(0x20, 0x7F)
MOST_BYTES: Final = 4096


def hex_dump(data: bytes) -> str:
    """The first of them, in lines as `00000010  68 65 6c …  |hel…|`."""
    shown = data[:MOST_BYTES]
    lines = (_line(at, shown[at : at + WIDTH]) for at in range(0, len(shown), WIDTH))
    return "\n".join(lines)


def _line(offset: int, part: bytes) -> str:
    text = "".join(chr(byte) if byte in PRINTABLE else "." for byte in part)
    return f"{offset:08x}  {part.hex(' '):<{3 * WIDTH - 1}}  |{text}|"
