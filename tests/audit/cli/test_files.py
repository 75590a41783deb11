"""Commands `export` and `import`: files of every kind, and what is refused on the way."""

import gzip
import json
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import duckdb
import pytest

from audit_service import create_app
from audit_service.cli.import_events import MOST_RETRY_SECONDS, RETRY_SECONDS, pause
from audit_service.settings import Settings
from tests.support import processes, terminal
from tests.support.audit_client import Sink
from tests.support.served_app import served
from tests.support.terminal import Output

TIME = "2026-05-01T10:00:00Z"


@contextmanager
def service(folder: Path) -> Iterator[tuple[Sink, str]]:
    app = create_app(Settings(database_url=f"sqlite:///{folder}/events.db"))
    with served(app) as url:
        yield Sink(app), url
    app.close()


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[tuple[Sink, str]]:
    with service(tmp_path / "first") as (sink, url):
        sink.batch(
            [
                {
                    "id": f"{n}",
                    "type": f"t{n % 2}",
                    "time": "2026-05-01T10:00:00Z",
                    "data": {"n": n},
                }
                for n in range(40)
            ]
        )
        sink.binary({"id": "bytes"}, b"\xff\x00", "application/octet-stream")
        sink.structured({"id": "text", "data": "Zoë", "datacontenttype": "text/plain", "one": 1})
        yield sink, url


def audit(url: str, *words: str, columns: int | None = None) -> Output:
    return terminal.run(["audit-service", *words, "--url", url], columns)


@pytest.mark.parametrize("name", ["events.ndjson", "events.ndjson.gz", "array.json"])
def test_a_log_goes_out_and_into_another_and_is_the_same(
    filled: tuple[Sink, str], tmp_path: Path, name: str
) -> None:
    _, url = filled
    file, again = tmp_path / name, tmp_path / "again.ndjson"
    if name == "array.json":
        lines = tmp_path / "lines.ndjson"
        assert audit(url, "export", "-o", str(lines)).code == 0
        file.write_text("\n[" + ",\n".join(lines.read_text().splitlines()) + "]")
    else:
        assert audit(url, "export", "-o", str(file)).code == 0
    with service(tmp_path / "second") as (sink, other):
        for _ in range(2):
            output = audit(other, "import", str(file))
            assert (output.code, output.lines) == (0, [])
        assert len(sink.stored()) == 42
        assert audit(other, "export", "-o", str(again)).code == 0
    assert audit(url, "export", "-o", str(tmp_path / "plain.ndjson")).code == 0
    assert again.read_bytes() == (tmp_path / "plain.ndjson").read_bytes()


def test_filters_choose_what_is_exported(filled: tuple[Sink, str], tmp_path: Path) -> None:
    file = tmp_path / "some.csv.gz"
    assert audit(filled[1], "export", "--type", "t1", "-o", str(file)).code == 0
    assert len(gzip.decompress(file.read_bytes()).splitlines()) == 1 + 20
    output = audit(filled[1], "export", "--type", "t1", "--data", "n=3", "-o", "-")
    assert [json.loads(line)["id"] for line in output.lines] == ["3"]


def test_parquet_has_typed_columns(filled: tuple[Sink, str], tmp_path: Path) -> None:
    file = tmp_path / "events.parquet"
    assert audit(filled[1], "export", "-o", str(file)).code == 0
    with duckdb.connect() as db:
        rows = db.execute(
            f"SELECT type, count(*), min(year(time)), sum((data->>'n')::int)"
            f" FROM '{file}' WHERE type LIKE 't%' AND id <> 'bytes' AND id <> 'text'"
            f" GROUP BY type ORDER BY type"
        ).fetchall()
        assert rows == [("t0", 20, 2026, 380), ("t1", 20, 2026, 400)]
        (data, extensions) = db.execute(
            f"SELECT (SELECT data_bytes FROM '{file}' WHERE id = 'bytes'),"
            f" (SELECT extensions FROM '{file}' WHERE id = 'text')"
        ).fetchall()[0]
        assert data == b"\xff\x00"
        assert json.loads(extensions) == {"one": 1}
        types = dict(
            db.execute(f"SELECT column_name, column_type FROM (DESCRIBE '{file}')").fetchall()
        )
        assert types["position"] == "BIGINT"
        assert types["received_at"] == "TIMESTAMP WITH TIME ZONE"
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


@pytest.mark.parametrize("name", ["events.xml", "events", "events.parquet.gz"])
def test_a_name_that_says_no_format_is_wrong_usage(tmp_path: Path, name: str) -> None:
    output = audit("http://127.0.0.1:1", "export", "-o", str(tmp_path / name))
    assert output.code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_service_that_is_not_there_leaves_no_file(tmp_path: Path) -> None:
    assert audit("http://127.0.0.1:1", "export", "-o", str(tmp_path / "e.ndjson")).code == 69
    assert list(tmp_path.iterdir()) == []


def test_lines_that_are_refused_are_named_and_all_others_stored(tmp_path: Path) -> None:
    event = '{"specversion":"1.0","id":"%s","source":"/s","type":"t"}'
    file = tmp_path / "mixed.ndjson"
    file.write_text(
        "\n".join([event % "1", "", '{"specversion":"1.0","id":""}', "no JSON", event % "2", "{}"])
    )
    with service(tmp_path / "log") as (sink, url):
        output = audit(url, "import", str(file))
        assert output.code == 1
        assert [event["id"] for event in sink.stored()] == ["1", "2"]
    named = [line.split(": ")[1] for line in output.lines if "line" in line]
    assert sorted(named) == ["line 3", "line 4", "line 6"]
    assert output.lines[-1] == "audit-service: 3 were refused"


def test_it_goes_on_from_a_line(tmp_path: Path) -> None:
    event = '{"specversion":"1.0","id":"%s","source":"/s","type":"t"}'
    file = tmp_path / "events.ndjson"
    file.write_text("\n".join(event % n for n in range(1, 6)))
    with service(tmp_path / "log") as (sink, url):
        assert audit(url, "import", "--from-line", "4", str(file)).code == 0
        assert [event["id"] for event in sink.stored()] == ["4", "5"]
    stopped = audit("http://127.0.0.1:1", "import", "--from-line", "2", str(file))
    assert stopped.code == 69
    assert f"--from-line 2 {file}" in stopped.raw


def test_a_bar_is_drawn_on_a_terminal_only(filled: tuple[Sink, str], tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    shown = audit(filled[1], "export", "-o", str(file), columns=80)
    assert "42/42" in shown.raw
    assert audit(filled[1], "export", "-o", str(file)).raw == ""


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    output = audit("http://127.0.0.1:1", "import", str(tmp_path / "absent"))
    assert output.code == 1
    assert "absent" in output.raw


def events_file(file: Path, begin: int, end: int) -> Path:
    event = '{"specversion":"1.0","id":"%s","source":"/s","type":"t"}\n'
    file.write_text("".join(event % n for n in range(begin, end)))
    return file


def test_a_line_to_go_on_from_is_one_of_the_first_file(tmp_path: Path) -> None:
    files = [events_file(tmp_path / f"{n}.ndjson", n * 10, n * 10 + 3) for n in (1, 2)]
    with service(tmp_path / "log") as (sink, url):
        output = audit(url, "import", "--from-line", "3", *map(str, files))
        assert (output.code, output.lines) == (0, [])
        assert [event["id"] for event in sink.stored()] == ["12", "20", "21", "22"]
    stopped = audit("http://127.0.0.1:1", "import", *map(str, files))
    assert f"--from-line 1 {files[0]} {files[1]}" in stopped.raw


def test_a_file_that_is_cut_off_is_said_and_where_to_go_on(tmp_path: Path) -> None:
    text = events_file(tmp_path / "events.ndjson", 0, 5000).read_bytes()
    file = tmp_path / "cut.ndjson.gz"
    file.write_bytes(gzip.compress(text)[:-2000])
    with service(tmp_path / "log") as (sink, url):
        output = audit(url, "import", str(file))
        stored = len(sink.client.get("/v1/events?limit=1&count=true").get_json()["items"])
        assert (output.code, stored) == (1, 1)
        position = sink.client.get("/v1/events?limit=1").get_json()["items"][0]["position"]
        assert f"go on with --from-line {position + 1} {file}" in output.raw
        assert "Traceback" not in output.raw


class Refusing(BaseHTTPRequestHandler):
    """A proxy that has a rule of its own."""

    most = 0
    status = 413
    sent: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.status if len(body) > self.most else 204
        if status == 204:
            self.sent.append(body)
        self.send_response(status)
        self.send_header("Content-Length", "0" if status == 204 else "6")
        self.end_headers()
        self.wfile.write(b"" if status == 204 else b"<html>")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def refusing(most: int, status: int) -> Iterator[tuple[type[Refusing], str]]:
    handler = type("Handler", (Refusing,), {"most": most, "status": status, "sent": []})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield handler, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_batch_that_a_proxy_finds_too_long_is_divided(tmp_path: Path) -> None:
    file = events_file(tmp_path / "events.ndjson", 0, 100)
    with refusing(500, 413) as (proxy, url):
        assert audit(url, "import", str(file)).code == 0
    ids = [event["id"] for body in proxy.sent for event in json.loads(body)]
    assert ids == [f"{n}" for n in range(100)]


@pytest.mark.parametrize("text", ["Wed, 21 Oct 2026 07:28:00 GMT", "", "1e9", "-1"])
def test_a_pause_that_is_no_number_of_seconds_is_a_short_one(text: str) -> None:
    assert pause(text) == RETRY_SECONDS
    assert pause("100000") == MOST_RETRY_SECONDS


def test_a_refusal_of_all_says_where_to_go_on(tmp_path: Path) -> None:
    file = events_file(tmp_path / "events.ndjson", 0, 3)
    with refusing(0, 403) as (_, url):
        output = audit(url, "import", str(file))
    assert output.code == 1
    assert f"answered 403; go on with --from-line 1 {file}" in output.raw


def test_an_interruption_says_where_to_go_on(tmp_path: Path) -> None:
    file = events_file(tmp_path / "events.ndjson", 0, 3)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        subprocess.Popen(
            [
                # As from a terminal: who runs the tests in the background may ignore it.
                *("env", "--default-signal=INT"),
                *(str(processes.BIN / "audit-service"), "import", str(file)),
                *("--url", f"http://127.0.0.1:{silent.getsockname()[1]}"),
            ],
            stderr=subprocess.PIPE,
            text=True,
            env=processes.environment(),
        ) as command,
    ):
        try:
            # It waits for an answer once it has connected.
            with silent.accept()[0]:
                command.send_signal(signal.SIGINT)
                _, shown = command.communicate(timeout=20)
        finally:
            command.kill()
    assert command.returncode == 130
    assert f"go on with --from-line 1 {file}" in shown
