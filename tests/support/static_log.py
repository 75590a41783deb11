"""A log as files, and a server of files on a loopback port."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from audit_service.evidence.checkpoints import Checkpoint, sign_checkpoint
from audit_service.evidence.note_keys import SigningKey
from audit_service.evidence.tiles import TILE_WIDTH, bundle, path_of
from tests.support.evidence_tiles import MemoryTiles


def write_log(folder: Path, entries: Sequence[bytes], key: SigningKey) -> bytes:
    """Write tiles, bundles and checkpoint as tlog-tiles has them. Returns the checkpoint."""
    tree = MemoryTiles()
    tree.add(entries)
    for (level, index), hashes in tree.tiles.items():
        _write(folder / f"tile/{level}/{path_of(index, len(hashes) // 32)}", hashes)
    for index in range(-(-len(entries) // TILE_WIDTH)):
        some = entries[index * TILE_WIDTH : (index + 1) * TILE_WIDTH]
        _write(folder / f"tile/entries/{path_of(index, len(some))}", bundle(some))
    checkpoint = bytes(sign_checkpoint(Checkpoint(key.name, tree.size, tree.root()), key))
    _write(folder / "checkpoint", checkpoint)
    return checkpoint


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The URL below which the files of a folder are."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
