"""Tables and measured numbers in Markdown."""

from collections.abc import Iterable, Sequence

from bench.load.wrk import Load
from bench.measures.rates import Results, Spread


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """With a first column that says what a row is, and numbers to its right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def spread(numbers: Spread, digits: int = 0) -> str:
    """The median, and in brackets the lowest and the highest where they were several."""
    median, low, high = (f"{n:,.{digits}f}" for n in (numbers.median, numbers.low, numbers.high))
    return median if len(numbers.values) == 1 else f"{median} ({low} to {high})"


def rate(rates: Results, contender: str, one_load: Load) -> str:
    """Of a contender, where it was measured."""
    found = rates.rate(contender, one_load)
    return spread(found) if found else "not measured"
