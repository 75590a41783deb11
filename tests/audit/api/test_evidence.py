"""`/log`: checkpoint, tiles and entry bundles, as C2SP tlog-tiles has them, on both databases."""

import gzip
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from audit_service.evidence.checkpoints import open_checkpoint
from audit_service.evidence.merkle import leaf_hash, tree_root
from audit_service.evidence.note_keys import generate_key
from audit_service.evidence.tiles import entries_of, node_hashes
from audit_service.log import Backend
from tests.audit.evidence.naive_tree import root
from tests.support.access_table import Tokens, bearer
from tests.support.audit_access import opened
from tests.support.audit_client import PROBLEM
from tests.support.evidence_log import KEY, SIZE, SignedLog, alter_log
from tests.support.log_databases import Store, commit
from tests.support.log_processes import event

FOR_EVER = "public, max-age=31536000, immutable"


@pytest.fixture
def served(store: Store, signed: SignedLog) -> Iterator[Flask]:
    app = opened(store, log_key=KEY.private_text)
    yield app
    app.close()


@pytest.fixture
def client(served: Flask) -> FlaskClient:
    return served.test_client()


def test_the_checkpoint_is_the_newest_and_is_kept_by_nobody_and_by_us_for_ever(
    client: FlaskClient, signed: SignedLog
) -> None:
    answer = client.get("/log/checkpoint")
    assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
    assert answer.headers["Cache-Control"] == "no-cache"
    checkpoint, _ = open_checkpoint(answer.data, KEY.verifier)
    assert (checkpoint.size, checkpoint.root) == (SIZE, root(signed.leaves()))
    commit(signed.log, event("later"))
    signed.catch_up()
    later, _ = open_checkpoint(client.get("/log/checkpoint").data, KEY.verifier)
    assert (later.size, later.root) == (SIZE + 1, root(signed.leaves()))


def test_every_leaf_and_the_root_follow_from_what_is_served(
    client: FlaskClient, signed: SignedLog
) -> None:
    checkpoint, _ = open_checkpoint(client.get("/log/checkpoint").data, KEY.verifier)

    def tile(level: int, index: int) -> bytes:
        width = min(256, (checkpoint.size >> 8 * level) - 256 * index)
        path = f"{index:03}" if width == 256 else f"{index:03}.p/{width}"
        answer = client.get(f"/log/tile/{level}/{path}")
        assert (answer.content_type, len(answer.data)) == ("application/octet-stream", 32 * width)
        assert answer.headers["Cache-Control"] == FOR_EVER
        return bytes(answer.data)

    assert tree_root(checkpoint.size, node_hashes(tile)) == checkpoint.root
    leaves = []
    for path in ("000", "001", "002.p/88"):
        answer = client.get(f"/log/tile/entries/{path}")
        assert answer.content_type == "application/octet-stream"
        assert answer.headers["Cache-Control"] == FOR_EVER
        assert "Content-Encoding" not in answer.headers
        leaves += entries_of(answer.data)
    assert leaves == signed.leaves()
    hashes = b"".join(map(leaf_hash, leaves))
    assert hashes == tile(0, 0) + tile(0, 1) + tile(0, 2)


def test_partial_tiles_of_every_width_there_was_are_served(client: FlaskClient) -> None:
    full = client.get("/log/tile/0/000").data
    bundle = entries_of(client.get("/log/tile/entries/000").data)
    for width in (1, 88, 255):
        assert client.get(f"/log/tile/0/000.p/{width}").data == full[: 32 * width]
        assert entries_of(client.get(f"/log/tile/entries/000.p/{width}").data) == bundle[:width]


@pytest.mark.parametrize(
    "path",
    [
        *("tile/0/002", "tile/0/002.p/89", "tile/0/003.p/1", "tile/1/000", "tile/1/000.p/3"),
        *("tile/0/x000/000", "tile/0/0", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01"),
        *("tile/00/000", "tile/64/000", "tile/-1/000", "tile/x/000", "tile/0/000.p", "tile/0/x"),
        *("tile/2/000.p/1", "tile/0/x999/x999/x999/x999/x999/x999/x999/x999/999", "tile/²/000"),
        *("tile/entries/002", "tile/entries/002.p/89", "tile/entries/000.p/0", "tile/entries/0"),
    ],
)
def test_what_the_tree_does_not_have_is_404_that_nobody_keeps(
    client: FlaskClient, path: str
) -> None:
    answer = client.get(f"/log/{path}")
    assert (answer.status_code, answer.content_type) == (404, PROBLEM)
    assert answer.headers["Cache-Control"] == "no-store"


def test_bundles_are_compressed_where_that_is_accepted_and_tiles_never(client: FlaskClient) -> None:
    plain = client.get("/log/tile/entries/000")
    packed = client.get("/log/tile/entries/000", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.data) == plain.data
    tile = client.get("/log/tile/0/000", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in tile.headers


def test_a_bundle_is_of_the_events_as_they_are(
    client: FlaskClient, store: Store, signed: SignedLog
) -> None:
    alter_log(store, "UPDATE event SET type = 'other' WHERE position = 3")
    leaves = entries_of(client.get("/log/tile/entries/000").data)
    hashes = [client.get("/log/tile/0/000").data[at : at + 32] for at in range(0, 8192, 32)]
    altered = [n for n, leaf in enumerate(leaves) if leaf_hash(leaf) != hashes[n]]
    assert altered == [2]
    alter_log(store, f"DELETE FROM event WHERE position = {SIZE}")
    assert client.get("/log/tile/entries/002.p/88").status_code == 404


def test_before_anything_is_signed_there_is_nothing(store: Store, backend: Backend) -> None:
    app = opened(store)
    commit(backend, event("a"))
    for path in ("checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1"):
        assert app.test_client().get(f"/log/{path}").status_code == 404
    app.close()


@pytest.mark.parametrize("is_public", [True, False])
def test_a_public_log_is_read_by_anyone_and_by_nobody_else_another(
    store: Store, signed: SignedLog, tokens: Tokens, *, is_public: bool
) -> None:
    app = opened(store, auth="tokens", log_public=is_public)
    client = app.test_client()
    for path in ("checkpoint", "tile/0/000", "tile/entries/000"):
        assert client.get(f"/log/{path}").status_code == (200 if is_public else 401)
        answer = client.get(f"/log/{path}", headers=bearer(tokens.make("events:read")))
        assert answer.status_code == 200
        assert is_public == ("private" not in answer.headers["Cache-Control"]) or path[0] == "c"
    assert client.get("/v1/events").status_code == 401
    app.close()


def test_readiness_and_metrics_say_how_far_the_log_is_signed(
    client: FlaskClient, signed: SignedLog
) -> None:
    commit(signed.log, event("later"))
    assert client.get("/readyz").get_json()["evidence"] == {
        "size": SIZE,
        "lag": 1,
        "origin": KEY.name,
        "verifier_key": str(KEY.verifier),
        "stopped": None,
        "witnessed": None,
    }
    text = client.get("/metrics").text
    assert "audit_service_unsigned_events 1.0" in text
    assert "audit_service_signing_stopped 0.0" in text


def test_readiness_and_metrics_say_that_nothing_is_signed_and_why(
    store: Store, signed: SignedLog
) -> None:
    app = opened(store, log_key=generate_key(KEY.name).private_text)
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 200
    assert "begun with another key" in answer.get_json()["evidence"]["stopped"]
    assert "audit_service_signing_stopped 1.0" in app.test_client().get("/metrics").text
    app.close()
    app = opened(store, log_key=KEY.private_text)
    alter_log(store, f"DELETE FROM event WHERE position = {SIZE}")
    stopped = app.test_client().get("/readyz").get_json()["evidence"]["stopped"]
    assert f"the event at {SIZE}" in stopped
    app.close()
