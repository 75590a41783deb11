"""What this costs and what it is worth, beside what else people would take: `python -m bench`.

Not a part of either service, and not installed with them. `parts` says what is measured,
`rounds` how.
"""
