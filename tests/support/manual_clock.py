"""A monotonic clock for tests."""


class ManualClock:
    """It stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
