"""Health: `/livez`, the process serves; `/readyz`, its dependencies work, or are named."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from apiflask import APIBlueprint
from flask import Response, jsonify

from service_kit.concurrency import Runner, run_here
from service_kit.http.blocking import never_blocks

log = structlog.get_logger()

Check = Callable[[], object]
Report = Callable[[], Any]


def blueprint(
    checks: Mapping[str, Check],
    reports: Mapping[str, Report],
    is_draining: Callable[[], bool] = lambda: False,
    run: Runner = run_here,
    shows_reports: Callable[[], bool] = lambda: True,
) -> APIBlueprint:
    """The two routes; `shows_reports`: whether the reports are shown to who asks.

    A check that raises makes the service unready (503) under its name; so does that it drains. A
    report is shown beside the checks and decides nothing: its subject may fail without this
    service failing. `run`: runs the checks and reports, which wait for no other requests.
    """
    health = APIBlueprint("health", __name__)

    @health.get("/livez")
    @health.doc(summary="Is the process serving?", responses={200: "It is"})
    @never_blocks
    def livez() -> Response:
        return jsonify(status="ok")

    @health.get("/readyz")
    @health.doc(
        summary="Can it do its work?",
        responses={200: "It can", 503: "It cannot: a dependency fails, and is named"},
    )
    @never_blocks
    def readyz() -> tuple[Response, HTTPStatus]:
        return run(answer)

    def answer() -> tuple[Response, HTTPStatus]:
        shown = reports if shows_reports() else {}
        results = {name: _run(name, check) for name, check in checks.items()}
        ready = not is_draining() and all(result == "ok" for result in results.values())
        body = jsonify(
            status="ready" if ready else "draining" if is_draining() else "unready",
            checks=results,
            **{name: report() for name, report in shown.items()},
        )
        return body, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE

    return health


def _run(name: str, check: Check) -> str:
    try:
        check()
    except Exception as error:  # noqa: BLE001 - whatever is raised, the service is unready
        log.warning("not ready", dependency=name, reason=type(error).__name__)
        return "failing"
    return "ok"
