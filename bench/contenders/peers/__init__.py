"""Peers that the audit service is compared with: a module each, with a `create_app`.

They are as short as their authors would write them. `bench.contenders.serve` runs each under
gunicorn, in threads.
"""
