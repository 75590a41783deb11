"""Changing file: one that others write, such as a projected secret, read again when it changes."""

from pathlib import Path


class ChangingFile:
    """The bytes of a file, each time that they are others."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._seen: tuple[int, int, int] | None = None

    def read_if_changed(self) -> bytes | None:
        """Its bytes, None where they were read before. One that cannot be read is tried again.

        Raises OSError.
        """
        found = self._path.stat()
        identity = found.st_ino, found.st_mtime_ns, found.st_size
        if identity == self._seen:
            return None
        text = self._path.read_bytes()
        self._seen = identity
        return text
