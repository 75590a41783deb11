"""Where events go, by URL. The rest of the service cannot tell which kind of sink it is."""

from user_service.delivery import Carrier, Sink
from user_service.settings import Settings
from user_service.sinks.http import HttpCarrier, HttpSink


def open_sink(settings: Settings) -> Sink:
    """The sink that the settings name; nothing is connected yet."""
    return HttpSink(settings.sink)


def open_carrier(settings: Settings) -> Carrier:
    """The relay's way to that sink; nothing is connected yet."""
    return HttpCarrier(
        settings.sink, most=settings.sink_batch, connections=settings.relay_connections
    )
