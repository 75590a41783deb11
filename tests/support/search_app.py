"""Application that only reads a log, and what makes an index of it without a process of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audit_service.api import query, statistics
from audit_service.api.problems import PROBLEM_FOR
from audit_service.log import Backend
from audit_service.search import Search, SearchIndex
from audit_service.search.arrivals import Arrivals
from audit_service.search.index.indexer import Indexer
from audit_service.search.index.value_counts import MOST_VALUES
from service_kit import disk_reserve
from service_kit.concurrency import THREADS, run_here
from service_kit.http import app as service_app
from tests.support.audit_client import Sink


def reading_sink(
    backend: Backend, index: SearchIndex | None = None, page_bytes: int = query.PAGE_BYTES
) -> Sink:
    """A sink that accepts no event; `page_bytes`: the most bytes of a page, about."""
    app = service_app.create(
        __name__, title="Query", version="0", problem_for=PROBLEM_FOR, checks={}
    )
    search = Search(backend, index)
    app.register_blueprint(
        query.blueprint(search, Arrivals(backend, THREADS), run_here, page_bytes)
    )
    app.register_blueprint(statistics.blueprint(search))
    return Sink(app)


@contextmanager
def indexed(
    backend: Backend, folder: Path, most_values: int = MOST_VALUES
) -> Iterator[tuple[SearchIndex, Indexer]]:
    """An index of the log, empty at first, and what fills it; `most_values`: see ValueCounts."""
    path = str(folder / "test-index")
    index = SearchIndex(path, backend)
    indexer = Indexer(backend, path, disk_reserve.always, most_values=most_values)
    yield index, indexer
    index.close()
    indexer.close()
