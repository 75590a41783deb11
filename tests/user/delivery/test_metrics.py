"""Metrics of direct deliveries: outcomes and times."""

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


def test_outcomes_that_never_occurred_are_0(make_app: MakeApp) -> None:
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
def test_events_are_counted_by_outcome(
    make_app: MakeApp, behave: Callable[[], Behaviour], outcome: str
) -> None:
    with open_sink(behave()) as sink:
        scrape = delivered(make_app, sink.url)
    assert outcomes(scrape) == {**NONE_YET, outcome: 1}


def test_an_event_for_which_there_is_no_sink_is_counted(make_app: MakeApp) -> None:
    with closed_port() as port:
        scrape = delivered(make_app, f"http://127.0.0.1:{port}/", times=2)
    assert outcomes(scrape) == {**NONE_YET, "not-delivered": 2}


def test_deliveries_are_timed_whatever_their_outcome(make_app: MakeApp) -> None:
    with open_sink(hanging()) as sink:
        scrape = delivered(make_app, sink.url)
    assert scrape.value("user_service_delivery_seconds_count") == 1
    assert scrape.value("user_service_delivery_seconds_bucket", le="0.1") == 0
    assert scrape.value("user_service_delivery_seconds_bucket", le="15.0") == 1


def test_an_event_in_the_outbox_is_not_counted_as_sent(make_app: MakeApp) -> None:
    client = make_app(delivery="outbox").test_client()
    assert post(client, ARTICLE).status_code == 201
    assert outcomes(Scrape(client.get("/metrics").text)) == {}
