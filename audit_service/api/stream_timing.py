"""Timing of streams: how long nothing is sent, and how often their principals are looked up."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class StreamTiming:
    """Seconds after which a client where nothing arrives is sent a comment, and between two looks
    whether a principal still may.
    """

    quiet_seconds: float = 15.0
    asked_seconds: float = 1.0


STREAM_TIMING: Final = StreamTiming()
