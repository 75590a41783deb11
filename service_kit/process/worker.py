"""Worker of gunicorn: a greenlet for each connection, all in one thread, which nothing may block.

gunicorn's own worker on gevent has no deadlines, patches what others use, and resets connections
when it stops.
"""

import errno
import os
import sys
import time
from typing import Any, Final

import gevent
from gevent import socket
from gunicorn.http.errors import ParseException
from gunicorn.workers.base import Worker as BaseWorker

from service_kit.process.client_connection import Site
from service_kit.process.connections import Connections
from service_kit.process.turns import let_others_go_first

TURN_SECONDS: Final = 0.1
ACCEPTED_AT_ONCE: Final = 64
LAST_ONES: Final = 4096


class Worker(BaseWorker):
    """Serves `app.wsgi()` within `app.bounds`; `app.drain_seconds`: for which it goes on accepting
    after SIGTERM, once `app.begin_draining()` was called; `app.waits_to_start`: whether
    what it needs to start is away. Connections come from the fork on: they MUST be answered, though
    it is told to stop before it has an application.
    """

    def init_process(self) -> None:
        sys.setswitchinterval(0.001)
        gevent.reinit()
        super().init_process()

    def run(self) -> None:
        """Serve until SIGTERM, and then answer what was sent."""
        signals = gevent.get_hub().loop.io(self.PIPE[0], 1)
        # Their handlers are called at once, though another thread may have received them.
        signals.start(os.read, self.PIPE[0], 4096)
        self._connections = Connections(self.app.bounds)
        listeners = [_cooperative(each.sock) for each in self.sockets]
        accepting = [gevent.spawn(self._accept, each) for each in listeners]
        for each in accepting:
            # Another worker takes its place, rather than that clients wait for it.
            each.link_exception(self._give_up)
        while self.alive:
            self._turn()
        # Once more, for a signal that came before there was an application.
        self.app.begin_draining()
        self._turns(self.app.drain_seconds)
        gevent.killall(accepting)
        self._connections.stop()
        for listener in listeners:
            self._accept_the_last(listener)
        # The master kills whoever takes all of the time.
        self._turns(self.cfg.graceful_timeout - 1 - self.app.drain_seconds, while_open=True)

    def handle_exit(self, sig: Any, frame: Any) -> None:
        """SIGTERM."""
        super().handle_exit(sig, frame)
        self.app.begin_draining()
        if self.app.waits_to_start:
            # For what may never come: those who have connected are not answered.
            sys.exit(0)

    def handle_quit(self, sig: Any, frame: Any) -> None:
        """Not in the signal's handler, which must not wait."""
        gevent.spawn(super().handle_quit, sig, frame)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Its line and answer name the path alone, or the kind of error: in a query, and in what
        is no request, there may be a token.
        """
        if req is not None:
            req.uri = req.path
        super().handle_error(req, client, addr, _nameless(exc))

    def _give_up(self, _: Any) -> None:
        self.alive = False

    def _turns(self, seconds: float, *, while_open: bool = False) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and (self._connections or not while_open):
            self._turn()

    def _turn(self) -> None:
        self.notify()
        if self.ppid != os.getppid():
            # Its master was killed.
            self.alive = False
        self._connections.end_late()
        gevent.sleep(TURN_SECONDS)

    def _accept(self, listener: Any) -> None:
        site = self._site(listener)
        while True:
            try:
                for _ in range(ACCEPTED_AT_ONCE):
                    client, address = listener.accept()
                    self._connections.add(client, address, site)
            except OSError as error:
                if error.errno in {errno.EMFILE, errno.ENFILE}:
                    self._connections.make_room()
                    self.log.warning("cannot accept: %s", error.strerror)
                    gevent.sleep(TURN_SECONDS)
            let_others_go_first()

    def _accept_the_last(self, listener: Any) -> None:
        """Accept those who have connected, and no others: the system would reset them."""
        site = self._site(listener)
        listener.setblocking(False)
        for _ in range(LAST_ONES):
            try:
                client, address = listener.accept()
            except BlockingIOError:
                break
            except OSError:
                continue  # The client has gone already.
            self._connections.add(client, address, site)
        listener.close()

    def _site(self, listener: Any) -> Site:
        return Site(self.wsgi, _Values(self.cfg), listener.getsockname(), self.handle_error)


def _nameless(error: BaseException) -> BaseException:
    """The same kind of error, which says nothing of what was sent."""
    if not isinstance(error, ParseException):
        return error
    kind = type(error)
    silent = type(kind.__name__, (kind,), {"__init__": _ignore, "__str__": _name_of_kind})
    found: BaseException = silent()
    return found


def _ignore(_: BaseException) -> None:
    pass


def _name_of_kind(error: BaseException) -> str:
    return type(error).__name__


class _Values:
    """The values of gunicorn's settings, each of which it looks up for each request anew."""

    def __init__(self, cfg: Any) -> None:
        self.__dict__.update({name: getattr(cfg, name) for name in (*cfg.settings, "is_ssl")})
        self._cfg = cfg

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cfg, name)


def _cooperative(listener: Any) -> Any:
    """The same listener, for greenlets."""
    return socket.socket(listener.family, listener.type, fileno=listener.detach())
