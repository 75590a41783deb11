"""Health check for images that have no curl: exits with 0 where a URL answers 200, else 1.

python -m service_kit.process.healthcheck http://127.0.0.1:8080/readyz
"""

import sys
import urllib.request
from http import HTTPStatus

# Whatever proxy the environment names, it is not on the way to this machine.
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main(url: str) -> int:
    """The exit code for `url`."""
    try:
        with DIRECTLY.open(url, timeout=3) as answer:
            return 0 if answer.status == HTTPStatus.OK else 1
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
