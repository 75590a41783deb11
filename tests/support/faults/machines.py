"""An audit service on another machine, and what befalls the network on the way to it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import processes
from tests.support.faults import networks
from tests.support.faults.networks import Namespace
from tests.support.processes import Service


@dataclass(frozen=True)
class There:
    """The audit service, and the machine on which it runs."""

    machine: Namespace
    audit: Service

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """There is nobody at its port until the end of the block."""
        self.audit.kill()
        try:
            yield
        finally:
            self.audit.start()


FAULTS: Mapping[str, Callable[[There], AbstractContextManager[None]]] = {
    "refuses": lambda there: there.refusing(),
    "hears nothing": lambda there: there.machine.fault(networks.LOST),
    "resets": lambda there: there.machine.fault(networks.RESET),
    "is not heard": lambda there: there.machine.fault(networks.REPLIES_LOST),
}


@contextmanager
def audit_service(machine: Namespace, folder: Path) -> Iterator[There]:
    """It runs there until the end of the block."""
    audit = processes.audit_service(folder, host=machine.address, within=machine.within)
    with audit:
        yield There(machine, audit)
