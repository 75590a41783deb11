"""Metrics of direct deliveries, as `/metrics` has them."""

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from tests.support.metrics_scrape import Scrape
from tests.support.sink_server import Behaviour, answering, closed_port, hanging, open_sink
from tests.support.user_api import ARTICLE, post
from tests.user.conftest import MakeApp

NONE_YET = {"delivered": 0, "not-delivered": 0, "unknown": 0}


def delivered(make_app: MakeApp, url: str, *, times: int = 1) -> Scrape:
    """The metrics of a user service that was asked for so many users."""
    client = make_app(sink=url, delivery_timeout=0.2).test_client()
    with capture_logs():
        for _ in range(times):
            post(client, ARTICLE)
    return Scrape(client.get("/metrics").text)


def outcomes(scrape: Scrape) -> dict[str, float]:
    return {**scrape.values("user_service_events_total", "outcome")}


def test_outcomes_that_never_came_up_are_0(make_app: MakeApp) -> None:
    assert outcomes(delivered(make_app, "http://localhost:1/", times=0)) == NONE_YET


@pytest.mark.parametrize(
    ("behave", "outcome"),
    [
        (lambda: answering(204), "delivered"),
        (lambda: answering(422), "not-delivered"),
        (lambda: answering(503), "unknown"),
        (hanging, "unknown"),
    ],
)
def test_events_are_counted_by_what_is_known_of_them(
    make_app: MakeApp, behave: Callable[[], Behaviour], outcome: str
) -> None:
    with open_sink(behave()) as sink:
        told = delivered(make_app, sink.url)
    assert outcomes(told) == {**NONE_YET, outcome: 1}


def test_an_event_for_which_there_is_no_sink_is_counted(make_app: MakeApp) -> None:
    with closed_port() as port:
        told = delivered(make_app, f"http://127.0.0.1:{port}/", times=2)
    assert outcomes(told) == {**NONE_YET, "not-delivered": 2}


def test_how_long_deliveries_take_is_told_whatever_comes_of_them(make_app: MakeApp) -> None:
    with open_sink(hanging()) as sink:
        told = delivered(make_app, sink.url)
    assert told.value("user_service_delivery_seconds_count") == 1
    assert told.value("user_service_delivery_seconds_bucket", le="0.1") == 0
    assert told.value("user_service_delivery_seconds_bucket", le="15.0") == 1


def test_what_is_stored_with_its_event_is_not_told_of_as_sent(make_app: MakeApp) -> None:
    client = make_app(delivery="outbox").test_client()
    assert post(client, ARTICLE).status_code == 201
    assert outcomes(Scrape(client.get("/metrics").text)) == {}
