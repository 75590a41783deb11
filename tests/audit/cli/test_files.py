"""Commands `export` and `import`: files of every kind, and what is refused on the way."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from audit_service import create_app
from audit_service.settings import Settings
from tests.support import terminal
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
