"""HTTP sink: CloudEvents in binary mode or batches, posted with requests."""

import logging
import threading
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import requests
from cloudevents.core.bindings.http import to_binary
from urllib3.exceptions import HTTPError

from user_service.sinks import http_connection, http_status
from user_service.sinks.cloudevents import FORMAT, CloudEvent, deserialise
from user_service.sinks.http_connection import SinkAdapter
from user_service.sinks.sink import DEADLINE_EXCEEDED, Attempt, Cancelled, NotDelivered, Outcome
from user_service.sinks.sink_token import SinkToken

BATCH = "application/cloudevents-batch+json"

# How much of an answer's body is read at most, so that its connection can be used again.
ANSWER_BYTES = 64 * 1024


class HttpSink:
    """A sink at an http:// or https:// URL. Safe for any number of threads.

    Proxies, netrc and cookies are not used: events go where the URL says.
    """

    def __init__(self, url: str, token: SinkToken | None = None) -> None:
        self._token = token or SinkToken("")
        # Copied for each event: made anew, a post costs a third more. Never changed.
        self._request = requests.Request("POST", url).prepare()
        # `adapter`: owned by the thread that sends; its connection ends with the thread.
        self._thread = threading.local()
        # Not its warnings of repeated attempts: the outcome of an event is logged elsewhere.
        logging.getLogger("urllib3").setLevel(logging.ERROR)

    def send(self, event: CloudEvent, attempt: Attempt) -> None:
        message = to_binary(event, FORMAT)
        self._post(message.headers, message.body, attempt)

    def close(self) -> None:
        """Nothing to do: a thread's connection is closed when the thread ends."""

    def post_batch(self, events: Sequence[bytes], attempt: Attempt) -> None:
        """`send` for several events, each in the JSON format, as one batch (HTTP binding, 3.3)."""
        self._post({"Content-Type": BATCH}, b"[%b]" % b",".join(events), attempt)

    def _post(self, headers: Mapping[str, str], body: bytes, attempt: Attempt) -> None:
        request = self._request.copy()
        request.headers.update({**headers, "Content-Length": str(len(body))})
        if token := self._token.text():
            request.headers["Authorization"] = f"Bearer {token}"
        request.body = body
        try:
            with http_connection.sending(attempt):
                answer = self._adapter().send(request, stream=True, timeout=attempt.remaining)
        except Cancelled:
            raise attempt.failed(DEADLINE_EXCEEDED) from None
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise attempt.failed(_reason(error)) from error
        _check(answer, of_batch=headers.get("Content-Type") == BATCH)

    def _adapter(self) -> SinkAdapter:
        adapter: SinkAdapter | None = getattr(self._thread, "adapter", None)
        if adapter is None:
            adapter = self._thread.adapter = SinkAdapter()
        return adapter


class HttpBatchSender:
    """A BatchSender to an HTTP sink: single events, or batches where `max_batch` is above 1."""

    one_event_per_user = False

    def __init__(
        self, url: str, token: SinkToken | None = None, *, max_batch: int, connections: int
    ) -> None:
        self.max_batch = max_batch
        self.connections = connections
        self._sink = HttpSink(url, token)

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


def _check(answer: requests.Response, *, of_batch: bool) -> None:
    status = answer.status_code
    try:
        answer.raw.read(ANSWER_BYTES, decode_content=False)
    except (HTTPError, OSError):
        pass  # The status is all that counts.
    finally:
        answer.close()
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    refused = (
        HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        and status != HTTPStatus.REQUEST_TIMEOUT
    )
    if answer.raw.retries is not None and answer.raw.retries.history:
        # It was sent twice, and this answers the second time: the first may have been accepted.
        refused = False
    outcome = Outcome.NOT_DELIVERED if refused else Outcome.UNKNOWN
    error = NotDelivered(
        outcome,
        f"the sink answered {status}",
        http_status.fault_of(status, of_batch=of_batch),
        http_status.retry_after(answer.headers),
    )
    error.perhaps_no_batches = of_batch and http_status.perhaps_no_batches(status)
    raise error


def _reason(error: Exception) -> str:
    """The operating system's words for the innermost cause, or the name of its class.

    A library's message MUST NOT be used: it could hold the URL and the password in it.
    """
    cause: BaseException = error
    while inner := cause.__cause__ or cause.__context__:
        cause = inner
    words = cause.strerror if isinstance(cause, OSError) else None
    return f"no answer from the sink: {words or type(cause).__name__}"
