"""A wall clock of some processes, which is set while they run; their monotonic clock goes on."""

from collections.abc import Mapping
from pathlib import Path

PLACES = ("/usr/lib", "/usr/lib64", "/usr/local/lib")
HOW_TO_GET_IT = "needs libfaketime: install faketime"


def library() -> Path | None:
    """The one that misleads processes with threads; None where there is none."""
    found = (path for place in PLACES for path in Path(place).rglob("libfaketimeMT.so.1"))
    return next(found, None)


class WallClock:
    """As far off as it was set last; whoever has `environment` goes by it."""

    def __init__(self, file: Path, library: Path) -> None:
        """`file`: where it is kept how far off it is."""
        self._offset = file
        self._library = library
        self.set(hours=0)

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables of a process that goes by this clock."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "PYTHONPATH": str(Path(__file__).parent / "misled"),
        }

    def set(self, hours: int) -> None:
        """Jump so far from the right time."""
        # As a whole, or a process could read half of it.
        new = self._offset.with_suffix(".new")
        new.write_text(f"{hours:+d}h\n")
        new.chmod(0o644)
        new.replace(self._offset)
