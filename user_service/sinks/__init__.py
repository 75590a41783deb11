"""Where events go, by URL. The rest of the service cannot tell which kind of sink it is."""

from user_service.delivery import Sink
from user_service.sinks.http import HttpSink


def open_sink(url: str) -> Sink:
    """The sink at `url`; nothing is connected yet."""
    return HttpSink(url)
