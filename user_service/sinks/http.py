"""CloudEvents over HTTP, in binary mode, posted with requests."""

import logging
import socket
import threading
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import requests
from cloudevents.core.bindings.http import to_binary
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from user_service.sinks import http_status
from user_service.sinks.cloudevents import FORMAT, CloudEvent, deserialise
from user_service.sinks.sink import DEADLINE_EXCEEDED, Attempt, Cancelled, NotDelivered, Outcome

BATCH = "application/cloudevents-batch+json"

# Of an acknowledgement's body this much is read, so that its connection can be used again.
ANSWER_BYTES = 64 * 1024

# A kept-alive connection may be closed by the sink just as it is used again. The event carries
# its id, so that sending it once more is at worst a duplicate, and better than a failure.
# An answer is never a reason to try again: what it says is what the caller is told.
_ONCE_MORE = Retry(
    total=1,
    connect=0,
    read=1,
    redirect=0,
    status=0,
    other=0,
    allowed_methods=None,
    respect_retry_after_header=False,
)

_sending = threading.local()


class HttpSink:
    """A Sink (see there) at an http:// or https:// URL.

    Proxies, netrc and cookies are not used: where an event goes is what the URL says.
    """

    def __init__(self, url: str) -> None:
        # To be copied: made anew for each event, a post costs a third more.
        self._request = requests.Request("POST", url).prepare()
        self._thread = threading.local()
        # Its warnings of attempts made again; what becomes of an event is told elsewhere.
        logging.getLogger("urllib3").setLevel(logging.ERROR)

    def send(self, event: CloudEvent, attempt: Attempt) -> None:
        message = to_binary(event, FORMAT)
        self._post(message.headers, message.body, attempt)

    def close(self) -> None:
        """Nothing to do: a thread's connection is closed when the thread ends."""

    def post_batch(self, events: Sequence[bytes], attempt: Attempt) -> None:
        """The same for several events, each in the JSON format, as one batch (3.3)."""
        self._post({"Content-Type": BATCH}, b"[%b]" % b",".join(events), attempt)

    def _post(self, headers: Mapping[str, str], body: bytes, attempt: Attempt) -> None:
        request = self._request.copy()
        request.headers.update({**headers, "Content-Length": str(len(body))})
        request.body = body
        _sending.attempt = attempt
        try:
            answer = self._adapter().send(request, stream=True, timeout=attempt.remaining)
        except Cancelled:
            raise attempt.failed(DEADLINE_EXCEEDED) from None
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise attempt.failed(_reason(error)) from error
        _judge(answer, of_batch=headers.get("Content-Type") == BATCH)

    def _adapter(self) -> HTTPAdapter:
        """This thread's own connection. No Session around it: what that adds (cookies, proxies,
        redirects) is not wanted, and would nearly double what a post costs.
        """
        adapter: HTTPAdapter | None = getattr(self._thread, "adapter", None)
        if adapter is None:
            adapter = _Adapter(pool_maxsize=1, max_retries=_ONCE_MORE)
            self._thread.adapter = adapter
        return adapter


class HttpBatchSender:
    """A BatchSender to an HTTP sink: single events, or batches where `max_batch` is above 1."""

    one_event_per_user = False

    def __init__(self, url: str, *, max_batch: int, connections: int) -> None:
        self.max_batch = max_batch
        self.connections = connections
        self._sink = HttpSink(url)

    def send_batch(
        self, events: Sequence[bytes], attempt: Attempt
    ) -> Sequence[NotDelivered | None]:
        try:
            if len(events) == 1:
                self._sink.send(deserialise(events[0]), attempt)
            else:
                self._sink.post_batch(events, attempt)
        except NotDelivered as error:
            error.batch_failure = len(events) > 1
            return [error] * len(events)
        return [None] * len(events)


def _judge(answer: requests.Response, *, of_batch: bool) -> None:
    status = answer.status_code
    try:
        answer.raw.read(ANSWER_BYTES, decode_content=False)
    except (HTTPError, OSError):
        pass  # The status is the answer.
    finally:
        answer.close()
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    told = (
        HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        and status != HTTPStatus.REQUEST_TIMEOUT
    )
    if answer.raw.retries is not None and answer.raw.retries.history:
        # It was sent twice, and this is the answer to the second.
        told = False
    outcome = Outcome.NOT_DELIVERED if told else Outcome.UNKNOWN
    raise NotDelivered(
        outcome,
        f"the sink answered {status}",
        http_status.fault_of(status, of_batch=of_batch),
        http_status.retry_after(answer.headers),
    )


def _reason(error: Exception) -> str:
    """What went wrong, in a few words: the operating system's, or the name of the error. A
    library's message could hold the URL and the password in it.
    """
    cause: BaseException = error
    while inner := cause.__cause__ or cause.__context__:
        cause = inner
    words = cause.strerror if isinstance(cause, OSError) else None
    return f"no answer from the sink: {words or type(cause).__name__}"


class _Watched:
    """A connection that tells the attempt when the event is about to leave."""

    sock: Any

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]
        connected = self.sock
        attempt: Attempt = _sending.attempt
        attempt.start_sending(lambda: connected.shutdown(socket.SHUT_RDWR))
        super().send(data)  # type: ignore[misc]


class _Connection(_Watched, HTTPConnection):
    pass


class _TlsConnection(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
