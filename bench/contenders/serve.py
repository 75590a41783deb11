"""Server of a peer: `python -m bench.contenders.serve PEER PORT`.

It has the gunicorn settings, workers and threads of the audit service. It runs in the environments
of peers, too, so it MUST import nothing but the kit and that peer.
"""

import importlib
import sys

from service_kit import logs
from service_kit.process import gunicorn_server
from service_kit.settings.base import ServiceSettings


def main(peer: str, port: str) -> None:
    """Serve until SIGTERM."""
    settings = ServiceSettings(bind=f"127.0.0.1:{port}", workers=2, threads=8, log_format="json")
    logs.configure(peer, settings.log_format)
    logs.queue_lines()
    module = importlib.import_module(f"bench.contenders.peers.{peer}")
    gunicorn_server.run(peer, settings, module.create_app)


if __name__ == "__main__":
    main(*sys.argv[1:])
