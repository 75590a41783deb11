"""Benchmark: what the services cost and are worth, beside what else people would take.

Run by `python -m bench`; not a part of either service, and not installed with them. `suite` is the
list of everything that is measured, `contenders` whose rates are compared, `measures` a module
for each thing that is measured, `load` what is sent, `machine` the processes that it takes, and
`report` the page of all that; `screenshot` takes the picture of README.md. Nothing here imports the
tests, nor they it.
"""
