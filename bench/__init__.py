"""Benchmark: the cost of both services beside that of their alternatives: `python -m bench`.

Not a part of either service, and not installed with them. `parts` says what is measured,
`rounds` how.
"""
