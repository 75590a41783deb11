"""Layers: files by the part of a request that they serve.

The layers are the rows of the page, in the order of its table.
"""

from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from pathlib import Path


class Layer(StrEnum):
    """What a file is there for, in the words of the page."""

    SERVER = "gunicorn"
    FRAMEWORK = "Flask, APIFlask, werkzeug, pydantic"
    APPLICATION = "the application itself"
    EVENT = "reading the event, or making it"
    DIGEST = "its digest"
    HASHING = "hashing the password"
    SENDING = "sending the event"
    COMMIT = "the commit"
    LOG_LINE = "log lines"
    METRICS = "metrics"
    OTHER = "other"


# By how a path begins, seen from the repository or from where packages are installed. The
# longest beginning that fits decides.
_LAYERS = {
    "gunicorn/": Layer.SERVER,
    "service_kit/process/": Layer.SERVER,
    "service_kit/http/request_head.py": Layer.SERVER,
    "flask/": Layer.FRAMEWORK,
    "apiflask/": Layer.FRAMEWORK,
    "werkzeug/": Layer.FRAMEWORK,
    "pydantic/": Layer.FRAMEWORK,
    "service_kit/http/app.py": Layer.FRAMEWORK,
    "audit_service/": Layer.APPLICATION,
    "bench/contenders/peers/": Layer.APPLICATION,
    "service_kit/": Layer.APPLICATION,
    "user_service/": Layer.APPLICATION,
    "audit_service/events/": Layer.EVENT,
    "cloudevents/": Layer.EVENT,
    "user_service/sinks/cloudevents.py": Layer.EVENT,
    "audit_service/events/canonical_json.py": Layer.DIGEST,
    "audit_service/events/digest.py": Layer.DIGEST,
    "audit_service/events/instant.py": Layer.DIGEST,
    "argon2/": Layer.HASHING,
    "user_service/users/passwords.py": Layer.HASHING,
    "requests/": Layer.SENDING,
    "urllib3/": Layer.SENDING,
    "user_service/delivery/deadline.py": Layer.SENDING,
    "user_service/sinks/": Layer.SENDING,
    "audit_service/log/": Layer.COMMIT,
    "service_kit/group_commit.py": Layer.COMMIT,
    "sqlalchemy/": Layer.COMMIT,
    "user_service/store/": Layer.COMMIT,
    "audit_service/log/stored_line.py": Layer.LOG_LINE,
    "service_kit/logs.py": Layer.LOG_LINE,
    "service_kit/http/request_log.py": Layer.LOG_LINE,
    "structlog/": Layer.LOG_LINE,
    "audit_service/metrics.py": Layer.METRICS,
    "prometheus_client/": Layer.METRICS,
    "service_kit/metrics/": Layer.METRICS,
    "service_kit/http/request_metrics.py": Layer.METRICS,
    "user_service/delivery/metrics.py": Layer.METRICS,
}


def layer_of(stack: Iterable[str]) -> Layer:
    """Of the innermost file that belongs to a layer; `stack`: paths of files, innermost first.

    So what a layer calls in the standard library, in C or in a small package counts as its own.
    """
    return next((layer for file in stack if (layer := _layer(file))), Layer.OTHER)


@cache
def _layer(file: str) -> Layer | None:
    name = file.rpartition("/site-packages/")[2].removeprefix(f"{Path.cwd()}/")
    fitting = [beginning for beginning in _LAYERS if name.startswith(beginning)]
    return _LAYERS[max(fitting, key=len)] if fitting else None
