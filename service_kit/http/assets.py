"""Static files of a package, served under a fingerprint of them all, so that they may be cached
for ever: ES modules import each other by relative paths, and no build step renames anything.
"""

import gzip
from collections.abc import Iterator, Mapping
from hashlib import sha256
from http import HTTPStatus
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Final

from apiflask import APIBlueprint
from flask import Response, request, url_for

from service_kit.concurrency import Runner, run_here
from service_kit.http.blocking import never_blocks
from service_kit.http.problems import Problem

MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
"""By the end of a file's name. Of a folder nothing else is served."""

FOR_EVER: Final = "public, max-age=31536000, immutable"
_DIGITS: Final = 16
_COMPRESSED_ALREADY: Final = frozenset({".ico", ".png"})
_HEADERS: Final = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}


def in_package(package: str, folder: str) -> Mapping[str, bytes]:
    """Contents of the files of a folder of a package, of those within it too, by their paths.

    Those of no media type above are left out.
    """
    return dict(_below(files(package).joinpath(folder), PurePosixPath()))


def _below(folder: Traversable, path: PurePosixPath) -> Iterator[tuple[str, bytes]]:
    for each in folder.iterdir():
        name = path / each.name
        if each.is_dir():
            yield from _below(each, name)
        elif name.suffix in MEDIA_TYPES:
            yield str(name), each.read_bytes()


class Assets:
    """Files at `/PREFIX/FINGERPRINT/PATH`; any other fingerprint or path is 404.

    They are in memory: what is asked for is looked up in a table, and never on the disk. `name`:
    of the blueprint, whose one endpoint is `NAME.serve`; `contents`: by their paths.
    """

    def __init__(self, name: str, prefix: str, contents: Mapping[str, bytes]) -> None:
        self._name = name
        self._prefix = prefix
        self._contents = dict(sorted(contents.items()))
        self._compressed: dict[str, bytes] = {}
        self.fingerprint: Final = _fingerprint(self._contents)
        """The same for the same names and contents, whatever the machine."""

    @property
    def paths(self) -> frozenset[str]:
        """Of all the files."""
        return frozenset(self._contents)

    def url(self, path: str) -> str:
        """Where this request's client finds a file, behind a proxy that adds a prefix too.

        Raises KeyError where there is none of that path.
        """
        if path not in self._contents:
            raise KeyError(path)
        return url_for(f"{self._name}.serve", fingerprint=self.fingerprint, path=path)

    def blueprint(self, run: Runner = run_here) -> APIBlueprint:
        """The route, which no OpenAPI document has; `run` compresses each file once."""
        routes = APIBlueprint(self._name, __name__, enable_openapi=False)

        @routes.get(f"{self._prefix}/<fingerprint>/<path:path>")
        @never_blocks
        def serve(fingerprint: str, path: str) -> Response:
            if fingerprint != self.fingerprint or path not in self._contents:
                raise Problem(HTTPStatus.NOT_FOUND, headers={"Cache-Control": "no-store"})
            return self._answer(path, run)

        return routes

    def _answer(self, path: str, run: Runner) -> Response:
        suffix = PurePosixPath(path).suffix
        answer = Response(content_type=MEDIA_TYPES[suffix], headers=_HEADERS)
        if suffix not in _COMPRESSED_ALREADY and request.accept_encodings["gzip"] > 0:
            if path not in self._compressed:
                # Two requests may do so at once, with the same result.
                self._compressed[path] = run(lambda: gzip.compress(self._contents[path], mtime=0))
            answer.headers["Content-Encoding"] = "gzip"
            answer.set_data(self._compressed[path])
        else:
            answer.set_data(self._contents[path])
        return answer


def _fingerprint(contents: Mapping[str, bytes]) -> str:
    total = sha256()
    for path, content in contents.items():
        # Digests have one length: no two sets of files are joined to the same bytes.
        total.update(sha256(path.encode()).digest() + sha256(content).digest())
    return total.hexdigest()[:_DIGITS]
