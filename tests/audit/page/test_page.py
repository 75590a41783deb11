"""The page is whole without scripts, and shows nobody what they may not see."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from audit_service.access.scopes import Scope
from audit_service.log import Backend, LogUnavailable
from audit_service.page import view
from service_kit.http.content_policy import OF_PAGES
from tests.support.access_table import Tokens
from tests.support.audit_access import opened, told
from tests.support.audit_client import Sink, failing_sink, open_sink
from tests.support.evidence_log import KEY, signed_log
from tests.support.log_databases import Store
from tests.support.waiting import wait_until

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
HOSTILE = '<script>alert("1")</script>'


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    with open_sink(tmp_path, index="none") as found:
        yield found


def look(sink: Sink, path: str = "/", status: int = 200) -> str:
    answer = sink.client.get(path, headers=BROWSER)
    assert (answer.status_code, answer.mimetype) == (status, "text/html"), answer.text
    assert answer.headers["Content-Security-Policy"] == OF_PAGES
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.text


@pytest.mark.parametrize("method", ["get", "head"])
def test_browsers_get_the_page_at_the_root_and_programs_a_document(sink: Sink, method: str) -> None:
    page = getattr(sink.client, method)("/", headers=BROWSER)
    assert (page.mimetype, page.vary.to_header()) == ("text/html", "Accept")
    for accept in ("*/*", "application/json", ""):
        assert getattr(sink.client, method)("/", headers={"Accept": accept}).is_json


def test_what_sends_events_is_no_browser_whatever_it_accepts(sink: Sink) -> None:
    assert sink.binary(headers=BROWSER).status_code == 204


def test_an_empty_log_shows_how_to_send_a_first_event(sink: Sink) -> None:
    assert "curl -i http://localhost/ -H" in look(sink)
    sink.accepted(sink.binary())
    assert "curl -i" not in look(sink)
    assert "curl -i" not in look(sink, "/?type=absent")


def test_the_newest_are_listed_first_with_links_that_filter(sink: Sink) -> None:
    for number in range(3):
        sink.binary({"id": f"{number}", "type": f"t{number}"})
    page = look(sink, "/?type=!t0&times=utc")
    assert page.index('data-position="3"') < page.index('data-position="2"')
    assert 'data-position="1"' not in page
    assert 'href="/?type=%21t0&amp;type=t2&amp;times=utc"' in page
    assert 'href="/?type=%21t0&amp;type=%21t2&amp;times=utc"' in page


def test_older_events_are_a_link_away(sink: Sink) -> None:
    assert (
        sink.batch(
            [
                {"id": f"{n}", "type": "t", "source": "/s", "specversion": "1.0"}
                for n in range(int(view.ROWS) + 1)
            ]
        ).status_code
        == 204
    )
    page = look(sink, "/?type=t")
    assert 'data-position="2"' in page
    assert 'data-position="1"' not in page
    _, _, rest = page.partition('rel="next" href="')
    older = rest.partition('"')[0].replace("&amp;", "&")
    assert 'data-position="1"' in look(sink, older)


def test_what_the_search_bar_has_becomes_the_url(sink: Sink) -> None:
    answer = sink.client.get("/?search=type%3Da+word&times=utc", headers=BROWSER)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?type=a&q=word&times=utc")
    assert "another one" in look(sink, "/?search=%22", 422)


def test_filters_that_are_none_are_named_and_nothing_is_listed(sink: Sink) -> None:
    sink.accepted(sink.binary())
    page = look(sink, "/?colour=red&since=never", 422)
    assert "<b>colour</b>" in page
    assert "<b>since</b>" in page
    assert 'data-position="' not in page


def test_an_event_is_shown_beside_the_list_and_alone(sink: Sink) -> None:
    sink.accepted(
        sink.structured(
            {"data": {"a": 1}, "type": "t", "source": "/s", "id": "1", "specversion": "1.0"}
        )
    )
    for path in ("/?show=1", "/events/1"):
        assert '<article data-position="1"' in look(sink, path)
    assert "no event at this position" in look(sink, "/events/2", 404)
    assert "no event at this position" in look(sink, "/?show=99999", 404)


def test_columns_show_extensions_and_fields_as_they_were_written(sink: Sink) -> None:
    sink.accepted(
        sink.structured(
            '{"id":"1","type":"t","source":"/s","specversion":"1.0","region":"eu",'
            '"data":{"amount":0.10,"items":[{"sku":"A"},{"sku":"B"}]}}'
        )
    )
    page = look(sink, "/?column=ext.region&column=data.amount&column=data.items[].sku")
    assert "<bdi>0.10</bdi>" in page
    assert "<bdi>A, B</bdi>" in page
    assert 'href="/?ext.region=eu&amp;' in page


def test_contents_stay_text(sink: Sink) -> None:
    event = {
        "id": HOSTILE,
        "type": HOSTILE,
        "source": "/s",
        "specversion": "1.0",
        "data": {HOSTILE: HOSTILE},
    }
    sink.structured(event)
    sink.structured({**event, "data": HOSTILE})
    for path in ("/", "/?show=1", "/events/2", "/?column=data.a&q=alert"):
        page = look(sink, path)
        assert HOSTILE not in page
        assert "&lt;script&gt;" in page
    sink.post(HOSTILE.encode(), "application/cloudevents+json")
    wait_until(lambda: "data-rejected" in look(sink, "/rejected"))
    assert HOSTILE not in look(sink, "/rejected/1")
    assert "&lt;script&gt;" in look(sink, "/rejected/1")


def test_a_large_event_is_cut_and_linked(sink: Sink) -> None:
    text = "x" * 500_000
    sink.structured(
        {"id": "1", "type": "t", "source": "/s", "specversion": "1.0", "data": {"a": text}}
    )
    page = look(sink, "/?show=1")
    assert len(page) < 200_000
    assert 'href="/v1/events/1"' in page


def test_rejected_messages_are_redriven_and_dropped_by_forms(sink: Sink, tmp_path: Path) -> None:
    sink.binary({}, b"", None, {"ce-Big_name": "x"})
    wait_until(lambda: "data-rejected" in look(sink, "/rejected"))
    sink.structured({"id": ""})
    wait_until(lambda: look(sink, "/rejected").count("data-rejected") == 2)
    still = sink.client.post("/rejected/2/redrive", headers=BROWSER)
    assert (still.status_code, still.mimetype) == (409, "text/html")
    assert "still refused" in still.text
    with open_sink(tmp_path, tolerate="attribute-names", index="none") as lenient:
        done = lenient.client.post("/rejected/1/redrive", headers=BROWSER)
        assert (done.status_code, done.headers["Location"]) == (303, "/rejected")
        assert len(lenient.stored()) == 1
        assert lenient.client.post("/rejected/2/drop", headers=BROWSER).status_code == 303
        assert "There are none" in look(lenient, "/rejected")
        assert "no rejected message" in look(lenient, "/rejected/2", 404)


def test_a_log_that_cannot_be_read_is_said_in_a_page_too() -> None:
    answer = failing_sink(LogUnavailable("gone")).client.get("/", headers=BROWSER)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert "cannot be used at the moment" in answer.text


@pytest.fixture
def controlled(store: Store, tokens: Tokens) -> Iterator[tuple[Sink, Tokens]]:
    """A service that asks for tokens."""
    app = opened(store, auth="tokens", audit_reads=True)
    yield Sink(app), tokens
    app.close()


def test_whoever_has_no_token_is_asked_for_one(controlled: tuple[Sink, Tokens]) -> None:
    sink, _ = controlled
    for path in ("/", "/events/1", "/rejected", "/?session=refused"):
        page = look(sink, path, 401)
        assert '<form class="sign-in" method="post" action="/session">' in page
        assert ("none that holds" in page) == ("refused" in path)
        assert "events/s" not in page
        assert f'<a href="{path.partition("?")[0]}">Signed in already' in page
    assert '<a href="/?type=a%26b">Signed in' in look(sink, "/?session=refused&type=a%26b", 401)
    assert sink.client.get("/events").is_json


def test_a_form_begins_a_session_and_another_ends_it(controlled: tuple[Sink, Tokens]) -> None:
    sink, tokens = controlled
    wrong = sink.client.post("/session", data={"token": tokens.never_made()}, headers=BROWSER)
    assert (wrong.status_code, wrong.headers["Location"]) == (303, "/?session=refused")
    begun = sink.client.post("/session", data={"token": tokens.make("events:read")})
    assert (begun.status_code, begun.headers["Location"]) == (303, "/")
    assert "token1" in look(sink)
    ended = sink.client.post("/session/end")
    assert (ended.status_code, ended.headers["Location"]) == (303, "/")
    look(sink, status=401)


def test_what_a_token_may_not_do_is_not_offered(controlled: tuple[Sink, Tokens]) -> None:
    sink, tokens = controlled
    sink.client.post("/session", data={"token": tokens.make("events:read")})
    page = look(sink)
    assert "/v1/export" not in page
    assert "/rejected" not in page
    assert "rejected:manage" in look(sink, "/rejected", 403)
    sink.client.post("/session", data={"token": tokens.make(*Scope)})
    page = look(sink)
    assert "/v1/export" in page
    assert "/rejected" in page


def test_the_log_tells_of_who_reads_it_on_the_page(controlled: tuple[Sink, Tokens]) -> None:
    sink, tokens = controlled
    sink.client.post("/session", data={"token": tokens.make("events:read")})
    look(sink, "/?type=a")
    (read,) = told(sink.app, tokens, "audit.read")[:1]
    assert (read["path"], read["query"]) == ("/events", "type=a")


def test_an_event_that_a_checkpoint_covers_has_a_badge_and_its_proof(
    store: Store, backend: Backend
) -> None:
    with signed_log(store, backend) as signed:
        app = opened(store, log_key=KEY.private_text)
        sink = Sink(app)
        sink.accepted(sink.binary())
        assert "not signed yet" in look(sink, "/?show=1")
        signed.catch_up()
        page = look(sink, "/events/1")
        assert 'href="/v1/events/1/proof"' in page
        assert "not signed yet" not in page
        app.close()
