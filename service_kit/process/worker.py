"""Worker of gunicorn: threads, with requests read strictly and connections closed in peace."""

from typing import Any

from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import ThreadWorker

from service_kit.http.request_head import StrictRequest
from service_kit.process.lingering import LingeringConnections


class Worker(ThreadWorker):
    """gunicorn's threaded worker, without waiting in its main thread.

    There gunicorn itself waits for each client to close, up to two seconds, and drops what is
    beyond 64 KiB: who never closes stops all others, and after a minute the worker is killed.
    """

    def init_process(self) -> None:
        RequestParser.mesg_class = StrictRequest
        super().init_process()

    def run(self) -> None:
        self._lingering = LingeringConnections(self.poller)
        super().run()

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Called in the main thread, when a request was answered."""
        if fs.cancelled() or fs.exception() is not None or fs.result():
            super().finish_request(conn, fs)
        else:
            self._lingering.add(conn.sock, self._count_closed)

    def murder_keepalived(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - the signature that it overrides
        """Called in each turn of the main loop, at least once a second."""
        super().murder_keepalived(force)
        self._lingering.close_expired()

    def _count_closed(self) -> None:
        self.nr_conns -= 1
