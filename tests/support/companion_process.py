"""Companion for tests: it writes its process id to a file, and waits for the end of its server."""

import os
import sys
import threading
from pathlib import Path

from service_kit.process.companion import ends_with_its_server

if __name__ == "__main__":
    stop = threading.Event()
    ends_with_its_server(stop)
    with Path(sys.argv[1]).open("a") as file:
        file.write(f"{os.getpid()}\n")
    stop.wait()
