"""A sink that notes what arrives and hands it on to another, whose answer it gives."""

from collections.abc import Iterator
from contextlib import contextmanager

import requests

from tests.support.sink_server import Behaviour, Peer, Sink, open_sink

HANDED_ON = ("content-type", "ce-")


@contextmanager
def noting(url: str) -> Iterator[Sink]:
    """Such a sink before the one at `url`."""
    with open_sink(_handing_on(url)) as sink:
        yield sink


def _handing_on(url: str) -> Behaviour:
    def behave(peer: Peer) -> bool:
        # One connection to the sink for each of ours, or what was sent later could overtake.
        with requests.Session() as session:
            while peer.read():
                peer.send(_answer(session, url, peer))
        return False

    return behave


def _answer(session: requests.Session, url: str, peer: Peer) -> bytes:
    request = peer.request
    headers = {name: text for name, text in request.headers.items() if name.startswith(HANDED_ON)}
    try:
        status = session.post(url, data=request.body, headers=headers, timeout=30).status_code
    except requests.RequestException:
        status = 503
    length = "" if status == 204 else "Content-Length: 0\r\n"
    return f"HTTP/1.1 {status} Told\r\n{length}\r\n".encode()
