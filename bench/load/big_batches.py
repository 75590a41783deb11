"""Big batches: one connection that sends batches of 10 MB, one after another.

`python -m bench.load.big_batches KIND URL` sends them until it is killed, and prints the status of
each answer.
"""

import sys
import uuid
from http import HTTPStatus
from http.client import HTTPConnection
from urllib.parse import urlsplit

from bench.load.beside import BEGAN, say

HEADERS = {"Content-Type": "application/cloudevents-batch+json"}
# In place of an id that is another in each batch.
_ID = "@" * 36
_EVENT = '{{"specversion":"1.0","id":"{id}-{number}","source":"/big","type":"t","data":{data}}}'
_LONG = '"' + "x" * 500_000 + '"'
# Sixteen members, and as long as all of the batch allows.
_SMALL = "{" + ",".join(f'"member {n:2}":"{"x" * 42}"' for n in range(16)) + "}"

KINDS = {"20 events of 500 KB": (20, _LONG), "9,900 events of 1 KB": (9900, _SMALL)}
"""How many events, and the data of each; within the limits of a batch by default, just."""


def template(kind: str) -> bytes:
    """A batch, but for its id."""
    number, data = KINDS[kind]
    events = (_EVENT.format(id=_ID, number=each, data=data) for each in range(number))
    return f"[{','.join(events)}]".encode()


def main(kind: str, url: str) -> None:
    """Send them until the process is killed, or nobody reads what it prints.

    The first is sent before it begins, and ends it where that is refused.
    """
    batch = template(kind)
    connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
    if (status := _sent(connection, batch)) != HTTPStatus.NO_CONTENT:
        sys.exit(f"a batch of {kind} was answered {status}")
    say(BEGAN)
    while True:
        say(str(_sent(connection, batch)))


def _sent(connection: HTTPConnection, batch: bytes) -> int:
    """The status of the answer to the batch with a new id."""
    body = batch.replace(_ID.encode(), str(uuid.uuid4()).encode())
    connection.request("POST", "/", body, HEADERS)
    answer = connection.getresponse()
    answer.read()
    return answer.status


if __name__ == "__main__":
    main(*sys.argv[1:])
