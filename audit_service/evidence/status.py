"""Status of the evidence: how far the log is signed, and why it is not where it is not."""

from typing import Any, Final

from audit_service.evidence.log_key import LogKey, SigningStopped
from audit_service.evidence.tree_check import checked_tree
from audit_service.evidence.tree_store import TreeStore
from audit_service.evidence.witness_policy import NO_WITNESSES, WitnessPolicy
from audit_service.evidence.witnessed import witnessed
from audit_service.evidence.witnessing import objection
from audit_service.log import Backend, LogUnavailable
from service_kit.metrics.gauge import Gauge
from service_kit.metrics.registry import Metrics

LAG: Final = Gauge("audit_service_unsigned_events", "Events of the log that no checkpoint has yet")
STOPPED: Final = Gauge(
    "audit_service_signing_stopped", "Whether nothing is signed until an operator acts"
)
UNWITNESSED: Final = Gauge(
    "audit_service_unwitnessed_seconds",
    "For how long there has been a checkpoint that too few witnesses cosigned",
)


class EvidenceStatus:
    """What is reported of a log's tree, as this process's settings have it."""

    def __init__(
        self, log: Backend, store: TreeStore, key: LogKey, policy: WitnessPolicy = NO_WITNESSES
    ) -> None:
        self._log = log
        self._store = store
        self._key = key
        self._policy = policy

    def report(self) -> dict[str, Any]:
        """Size of the newest checkpoint, events without one, origin and verifier key, why nothing
        is signed, None where it is, and the newest checkpoint that enough witnesses cosigned, None
        where none has to. Raises LogUnavailable.
        """
        identity, newest = self._store.identity(), self._store.newest()
        size = 0 if newest is None else newest.size
        last = self._log.last()
        is_begun = identity is not None or newest is not None
        return {
            "size": size,
            "lag": last - size,
            "origin": identity and identity.origin,
            "verifier_key": identity and identity.verifier_key,
            "stopped": self._fault(last, is_begun=is_begun),
            "witnessed": self._witnessed(),
        }

    def readiness(self) -> dict[str, Any]:
        """The same, or that it is not known: it decides nothing."""
        try:
            return self.report()
        except LogUnavailable:
            return {"stopped": "it cannot be looked at"}

    def _fault(self, last: int, *, is_begun: bool) -> str | None:
        """Why nothing is signed; None where nothing is wrong."""
        try:
            if is_begun or not self._key.makes_its_own:
                key = self._key.load()
                if is_begun:
                    _, newest = checked_tree(self._log, self._store, key.verifier)
                    if last > newest.size and self._log.get(newest.size + 1) is None:
                        return f"the event at {newest.size + 1} is missing"
        except SigningStopped as error:
            return str(error)
        return objection(self._store, self._policy)

    def _witnessed(self) -> dict[str, Any] | None:
        found = witnessed(self._store, self._policy)
        if found is None or self._policy.quorum is None:
            return None
        size = 0 if found.met is None else found.met.size
        return {"size": size, "waiting_seconds": round(found.seconds_waited(), 1)}

    def show(self, metrics: Metrics) -> None:
        """Add the gauges to the metrics."""
        metrics.gauges([LAG, STOPPED, UNWITNESSED], self._gauges)

    def _gauges(self) -> dict[Gauge, float]:
        report = self.report()
        waiting = (report["witnessed"] or {"waiting_seconds": 0.0})["waiting_seconds"]
        is_stopped = float(report["stopped"] is not None)
        return {LAG: report["lag"], STOPPED: is_stopped, UNWITNESSED: waiting}
