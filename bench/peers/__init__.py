"""Peers of the audit service: a module each, with a `create_app`.

They are as short as their authors would write them. `bench.serve` runs each under gunicorn
with the very settings of the audit service.
"""
