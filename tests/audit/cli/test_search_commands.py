"""Commands over HTTP: search, show, tail, stats, types; in a terminal and without one."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from audit_service import create_app
from audit_service.cli.filter_options import with_absolute_times
from audit_service.settings import Settings
from tests.support import processes, terminal
from tests.support.audit_client import Sink
from tests.support.served_app import served
from tests.support.terminal import Output
from tests.support.waiting import wait_until

WIDTHS = [80, 200, None]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("commands")
    app = create_app(Settings(database_url=f"sqlite:///{folder}/events.db"))
    sink = Sink(app)
    sink.batch(
        [
            {"id": f"{n}", "type": f"order.{'paid' if n % 2 else 'sent'}", "subject": f"s{n}"}
            for n in range(1, 13)
        ]
    )
    sink.structured({"id": "long-" + "x" * 300, "source": "/other", "n": 1})
    sink.structured({"id": "1", "type": "order.paid", "subject": "another"})
    with served(app) as running:
        yield running
    app.close()


def audit(url: str, *words: str, columns: int | None = None, **environ: str) -> Output:
    return terminal.run(["audit-service", *words], columns, {"AUDIT_SERVICE_URL": url, **environ})


@pytest.mark.parametrize("columns", WIDTHS)
def test_search_prints_a_table_that_fits(url: str, columns: int | None) -> None:
    output = audit(url, "search", "--type", "order.*", "--limit", "3", columns=columns)
    assert output.code == 0
    assert all(len(line) <= (columns or 200) for line in output.lines)
    header, *rest = [line for line in output.lines if line.strip("─ ")]
    assert header.split()[:3] == ["position", "received", "type"]
    assert [row.split()[0] for row in rest] == ["14", "12", "11"]
    assert output.has_colours is (columns is not None)


def test_colours_can_be_refused(url: str) -> None:
    output = audit(url, "search", columns=80, NO_COLOR="1")
    assert "\x1b[3" not in output.raw


@pytest.mark.parametrize("columns", WIDTHS)
def test_json_is_a_record_in_each_line(url: str, columns: int | None) -> None:
    output = audit(url, "search", "--json", "--subject", "s3", "--q", "paid", columns=columns)
    (record,) = [json.loads(line) for line in output.lines if line]
    assert record["event"]["id"] == "3"
    assert not output.has_colours


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["--id", "4"], ["4"]),
        (["--source", "/other", "--ext", "n=1"], ["long"]),
        (["--conflicts"], ["1"]),
        (["--type", "!order.paid", "--type", "!order.sent"], ["long"]),
        (["--filter", '{"exact": {"subject": "s5"}}'], ["5"]),
        (["--since", "-1h", "--until", "-0s", "--subject", "s6", "--by", "arrival"], ["6"]),
        (["--subject", "s1*", "--oldest-first"], ["1", "10", "11", "12"]),
    ],
)
def test_every_filter_is_an_option(url: str, words: list[str], ids: list[str]) -> None:
    output = audit(url, "search", "--json", *words)
    found = [json.loads(line)["event"]["id"].partition("-")[0] for line in output.lines]
    assert found == ids


def test_the_url_is_taken_before_or_after_the_subcommand(url: str) -> None:
    elsewhere = {"AUDIT_SERVICE_URL": "http://127.0.0.1:1"}
    words = ("search", "--json", "--id", "4")
    for command in (["--url", url, *words], [*words, "--url", url]):
        assert terminal.run(["audit-service", *command], None, elsewhere).code == 0


def test_a_wrong_filter_says_which_and_shows_an_example(url: str) -> None:
    output = audit(url, "search", "--since", "yesterday")
    assert output.code == 1
    (line,) = output.lines
    assert "/since: must be a time" in line
    assert "--since -2h" in line
    assert audit(url, "search", "--ext", "x").code == 2
    assert audit("http://127.0.0.1:1", "search").code == 69


@pytest.mark.parametrize("columns", WIDTHS)
def test_show_prints_one_whole(url: str, columns: int | None) -> None:
    output = audit(url, "show", "14", columns=columns)
    assert "conflicts_with: 1" in output.lines
    assert "subject: another" in output.lines
    assert json.loads(audit(url, "show", "3", "--json").raw)["position"] == 3
    assert audit(url, "show", "99").code == 1


def test_show_steers_no_terminal(tmp_path: Path) -> None:
    app = create_app(Settings(database_url=f"sqlite:///{tmp_path}/events.db"))
    with served(app) as url:
        data = {"a": "\x9b31m \x7f \u202e", "b": ["x"]}
        Sink(app).structured({"id": "1", "data": data})
        output = audit(url, "show", "1").raw
    app.close()
    odd = [character for character in output if not character.isprintable()]
    assert set(odd) == {"\n"}
    assert "\\x9b31m" in output
    assert '\n  "b": [\n' in output


def test_times_that_are_relative_are_those_of_the_begin() -> None:
    asked = (("since", "-15m"), ("type", "-2h"), ("until", "yesterday"))
    assert with_absolute_times(asked, 3_600_000_000) == (
        ("since", "1970-01-01T00:45:00.000000Z"),
        ("type", "-2h"),
        ("until", "yesterday"),
    )


def test_tail_prints_found_lines_of_the_last(url: str) -> None:
    lines = audit(url, "tail", "-n", "2", "--type", "order.paid").lines
    assert lines == [
        "Found 11 from /s with type order.paid and specversion 1.0",
        "Found 1 from /s with type order.paid and specversion 1.0",
    ]


@pytest.mark.parametrize("columns", WIDTHS)
def test_stats_draws_a_bar_for_each_bucket_and_value(url: str, columns: int | None) -> None:
    output = audit(url, "stats", "--bucket", "day", "--group", "type", columns=columns)
    rows = [line for line in output.lines if "order" in line]
    assert [row.split()[3] for row in rows] == ["7", "6"]
    assert all("█" in row for row in rows)
    assert all(len(line) <= (columns or 200) for line in output.lines)
    found = [json.loads(line) for line in audit(url, "stats", "--json").lines]
    assert sum(item["count"] for item in found) == 14


@pytest.mark.parametrize(
    ("command", "first"), [("types", "order.paid"), ("sources", "/s"), ("extensions", "n")]
)
@pytest.mark.parametrize("columns", WIDTHS)
def test_values_are_a_table(url: str, command: str, first: str, columns: int | None) -> None:
    output = audit(url, command, columns=columns)
    rows = [line for line in output.lines if line.strip("─ ")]
    assert rows[0].split()[0] == command
    assert rows[1].split()[0] == first
    assert json.loads(audit(url, command, "--json").lines[0])["value"] == first


def test_tail_follows_and_survives_a_restart(tmp_path: Path) -> None:
    with processes.audit_service(tmp_path) as service:
        output = tmp_path / "tail"
        with output.open("wb") as out:
            tail = subprocess.Popen(
                [
                    *(str(processes.BIN / "audit-service"), "tail", "-f", "--json"),
                    *("--type", "test.*", "--url", service.url),
                ],
                stdout=out,
                env=processes.environment(PYTHONUNBUFFERED=1),
            )
        try:
            sent: list[str] = []

            def send() -> None:
                sent.append(processes.fresh_id())
                with requests.Session() as session:
                    assert processes.post_event(session, service.url, sent[-1]) == 204

            def seen() -> list[Any]:
                return [json.loads(line)["event"]["id"] for line in output.read_text().splitlines()]

            send()
            wait_until(lambda: seen() == sent)
            send()
            wait_until(lambda: seen() == sent)
            service.kill()
            service.start()
            send()
            send()
            wait_until(lambda: seen() == sent)
        finally:
            tail.kill()
            tail.wait()
