"""Assets are served under a fingerprint of them all, for ever, and nothing else is."""

import gzip
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from flask import Response
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service_kit.concurrency import run_here
from service_kit.http import app as service_app
from service_kit.http.app import ServiceApp
from service_kit.http.assets import FOR_EVER, MEDIA_TYPES, Assets, in_package
from service_kit.http.blocking import Blocking, blocking_of

CONTENTS = {
    "page.js": b"import './parts/table.js'\n" * 20,
    "parts/table.js": b"export {}\n",
    "page.css": b"body {}",
    "icon.svg": b"<svg/>",
    "icon.png": b"\x89PNG" * 100,
    "icon.ico": b"\0\0\1\0",
    "words.json": b"{}",
    "LICENSE.txt": b"All may",
}


def app_with(assets: Assets) -> ServiceApp:
    app = service_app.create(__name__, title="Trial", version="1", problem_for={}, checks={})
    app.register_blueprint(assets.blueprint(run_here))
    app.get("/url/<path:path>", endpoint="url")(lambda path: Response(assets.url(path)))
    return app


@pytest.fixture
def assets() -> Assets:
    return Assets("assets", "/assets", CONTENTS)


@pytest.fixture
def client(assets: Assets) -> FlaskClient:
    return app_with(assets).test_client()


def get(client: FlaskClient, path: str, **headers: str) -> TestResponse:
    """The answer to who asks for a file by the URL that pages have of it."""
    url = client.get(f"/url/{path}").text
    return client.get(url, headers={name.replace("_", "-"): text for name, text in headers.items()})


@pytest.mark.parametrize("path", CONTENTS)
def test_each_file_has_a_url_its_media_type_and_may_be_kept_for_ever(
    client: FlaskClient, path: str
) -> None:
    answer = get(client, path)
    assert (answer.status_code, answer.data) == (200, CONTENTS[path])
    assert answer.content_type == MEDIA_TYPES["." + path.rpartition(".")[2]]
    assert answer.headers["Cache-Control"] == FOR_EVER
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert "Set-Cookie" not in answer.headers


def test_relative_paths_lead_from_one_module_to_another(
    client: FlaskClient, assets: Assets
) -> None:
    url = client.get("/url/page.js").text
    assert url == f"/assets/{assets.fingerprint}/page.js"
    assert client.get(url.replace("page.js", "parts/table.js")).data == CONTENTS["parts/table.js"]


def test_a_head_has_all_but_the_body(client: FlaskClient, assets: Assets) -> None:
    answer = client.head(f"/assets/{assets.fingerprint}/page.css")
    assert (answer.status_code, answer.content_length, answer.data) == (200, 7, b"")


def test_behind_a_prefix_urls_have_it(client: FlaskClient, assets: Assets) -> None:
    url = client.get("/url/page.js", environ_overrides={"SCRIPT_NAME": "/audit"}).text
    assert url == f"/audit/assets/{assets.fingerprint}/page.js"


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0.5", "*"])
def test_who_takes_gzip_is_sent_it(client: FlaskClient, accepted: str) -> None:
    for _ in range(2):
        answer = get(client, "page.js", Accept_Encoding=accepted)
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.data) == CONTENTS["page.js"]
        assert answer.content_length == len(answer.data) < len(CONTENTS["page.js"])


@pytest.mark.parametrize("accepted", ["identity", "br", "gzip;q=0", "gzip;q=0, *", ""])
def test_who_does_not_is_sent_the_file(client: FlaskClient, accepted: str) -> None:
    answer = get(client, "page.js", Accept_Encoding=accepted)
    assert "Content-Encoding" not in answer.headers
    assert answer.data == CONTENTS["page.js"]


def test_a_file_waits_for_no_request_that_reads(client: FlaskClient) -> None:
    assert blocking_of(client.application.view_functions["assets.serve"]) is Blocking.NEVER


def test_an_image_is_not_compressed_twice(client: FlaskClient) -> None:
    assert "Content-Encoding" not in get(client, "icon.png", Accept_Encoding="gzip").headers


def test_a_file_is_compressed_once_and_away_from_other_requests(assets: Assets) -> None:
    calls: list[object] = []

    def run(call: object) -> bytes:
        calls.append(call)
        return b"compressed"

    app = service_app.create(__name__, title="Trial", version="1", problem_for={}, checks={})
    app.register_blueprint(assets.blueprint(run))  # type: ignore[arg-type] # it is called with one call
    url = f"/assets/{assets.fingerprint}/page.js"
    for _ in range(3):
        answer = app.test_client().get(url, headers={"Accept-Encoding": "gzip"})
        assert answer.data == b"compressed"
    assert len(calls) == 1


@pytest.mark.parametrize(
    "path",
    [
        "0000000000000000/page.js",
        "{}/nowhere.js",
        "{}/page.js/",
        "{}/PAGE.js",
        "{}/../page.js",
        "{}/parts/../page.js",
        "{}/%2e%2e/%2e%2e/pyproject.toml",
        "{}/..%2fassets.py",
        "{}/page.js%00",
        "{}/parts",
    ],
)
def test_anything_else_is_404_and_not_kept(client: FlaskClient, assets: Assets, path: str) -> None:
    answer = client.get("/assets/" + path.format(assets.fingerprint))
    assert answer.status_code == 404
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("path", ["", "/page.js", "/etc/passwd"])
def test_what_is_no_path_is_404(client: FlaskClient, assets: Assets, path: str) -> None:
    assert client.get(f"/assets/{assets.fingerprint}/{path}").status_code == 404


def test_there_is_no_url_of_a_file_that_is_not_there(assets: Assets) -> None:
    with app_with(assets).test_request_context(), pytest.raises(KeyError):
        assets.url("nowhere.js")


@pytest.mark.parametrize(
    "changed",
    [
        {**CONTENTS, "page.css": b"body { }"},
        {name: content for name, content in CONTENTS.items() if name != "page.css"},
        {("page.cst" if name == "page.css" else name): each for name, each in CONTENTS.items()},
        {**CONTENTS, "more.js": b""},
        {**CONTENTS, "page.css": CONTENTS["icon.svg"], "icon.svg": CONTENTS["page.css"]},
    ],
)
def test_another_name_or_content_is_another_fingerprint(
    assets: Assets, changed: Mapping[str, bytes]
) -> None:
    assert Assets("assets", "/assets", changed).fingerprint != assets.fingerprint


def test_the_order_of_a_folder_is_none_of_the_fingerprint(assets: Assets) -> None:
    backwards = dict(reversed(CONTENTS.items()))
    assert Assets("other", "/other", backwards).fingerprint == assets.fingerprint


def test_files_of_a_package_are_those_that_have_a_media_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop" / "files" / "parts").mkdir(parents=True)
    for name in ("__init__.py", "files/page.js", "files/page.js.map", "files/parts/a.css"):
        (tmp_path / "shop" / name).write_text(f"# {name}")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shop", raising=False)
    expected = {"page.js": b"# files/page.js", "parts/a.css": b"# files/parts/a.css"}
    assert in_package("shop", "files") == expected


def test_they_are_in_no_openapi_document(client: FlaskClient) -> None:
    assert "assets" not in client.get("/openapi.json").text
