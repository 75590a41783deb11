"""Layers: which one a file belongs to, and by that, what a worker was doing."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

OTHER = "other"
# The rows of the page, in their order; of each, how the paths of its files begin, seen from where
# packages are installed or from the repository. The longest beginning that fits decides.
LAYERS = {
    "gunicorn, gevent": (
        *("gunicorn/", "gevent/", "greenlet/"),
        *("service_kit/process/", "service_kit/http/request_head.py"),
    ),
    "Flask, APIFlask, werkzeug, pydantic": (
        *("flask/", "apiflask/", "werkzeug/", "pydantic/"),
        *("service_kit/http/app.py", "service_kit/http/no_content.py"),
    ),
    "the application itself": (
        *("audit_service/", "user_service/", "service_kit/"),
        "bench/contenders/peers/",
    ),
    "reading the event, or making it": (
        *("cloudevents/", "audit_service/events/"),
        "user_service/sinks/cloudevents.py",
    ),
    "its digest": (
        *("audit_service/events/digest.py", "audit_service/events/canonical_json.py"),
        "audit_service/events/instant.py",
    ),
    "hashing the password": ("argon2/", "user_service/users/passwords.py"),
    "sending the event": (
        *("requests/", "urllib3/"),
        *("user_service/sinks/", "user_service/delivery/deadline.py"),
    ),
    "the commit": (
        *("sqlalchemy/", "service_kit/group_commit.py", "service_kit/concurrency.py"),
        *("audit_service/log/", "user_service/store/"),
    ),
    "log lines": (
        *("structlog/", "service_kit/logs/", "service_kit/http/request_log.py"),
        "audit_service/log/stored_line.py",
    ),
    "metrics": (
        *("prometheus_client/", "service_kit/metrics/", "service_kit/http/request_metrics.py"),
        *("audit_service/metrics.py", "user_service/delivery/metrics.py"),
    ),
    OTHER: (),
}
_LAYER_OF = {beginning: layer for layer, beginnings in LAYERS.items() for beginning in beginnings}
_OURS = ("audit_service/", "user_service/", "service_kit/", "bench/")


def layer_of(stack: Iterable[str]) -> str:
    """Of the innermost file that belongs to a layer; `stack`: paths of files, innermost first.

    So what a layer calls in the standard library, in C or in a small package counts as its own.
    """
    return next((layer for file in stack if (layer := _layer(file))), OTHER)


def missing_paths() -> list[str]:
    """Paths of ours that are listed here and are not in the repository: renamed, most likely."""
    return [path for path in _LAYER_OF if path.startswith(_OURS) and not Path(path).exists()]


@cache
def _layer(file: str) -> str | None:
    name = file.rpartition("/site-packages/")[2].removeprefix(f"{Path.cwd()}/")
    return _LAYER_OF.get(max(filter(name.startswith, _LAYER_OF), key=len, default=""))
