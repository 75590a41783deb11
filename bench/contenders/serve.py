"""Server of a peer: `python -m bench.contenders.serve PEER PORT`.

It is gunicorn with a thread for each request in progress, whatever serves the services, with as
many workers and threads as these. It runs in the environments of peers, too, so it MUST import
nothing of the kit that needs more than Python.
"""

import importlib
import sys
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from service_kit.memory_folder import memory_folder
from service_kit.process.gc import tune_gc
from service_kit.process.malloc import tune_malloc


class _Server(BaseApplication):
    def __init__(self, peer: str, port: str) -> None:
        self._peer, memory = peer, memory_folder()
        self._options: dict[str, Any] = {
            "bind": f"127.0.0.1:{port}",
            "worker_class": "gthread",
            "workers": 2,
            "threads": 8,
            "reuse_port": True,
            "keepalive": 75,
            "worker_tmp_dir": memory and str(memory),
            "control_socket_disable": True,
            "loglevel": "warning",
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        app: Flask = importlib.import_module(f"bench.contenders.peers.{self._peer}").create_app()
        tune_gc()
        tune_malloc()
        return app


if __name__ == "__main__":
    _Server(*sys.argv[1:]).run()
