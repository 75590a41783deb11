"""A network of our own with one machine in it, whose packets can be made to go astray.

A namespace at the other end of a pair of virtual cables, in a private range. Faults are
iptables rules within the namespace; nothing outside of it changes but the one cable's end.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

NEEDED = ("ip", "iptables")
HOW_TO_GET_IT = "needs root, iproute2 and iptables, for a network namespace"
PAIRS = 2**14  # of addresses, in 10.213.0.0/16

Rule = Sequence[str]
LOST: Sequence[Rule] = [("INPUT", "-p", "tcp", "-j", "DROP")]
RESET: Sequence[Rule] = [("INPUT", "-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset")]
# Connections are made, and what is sent arrives; nothing is ever heard of it.
REPLIES_LOST: Sequence[Rule] = [
    ("OUTPUT", "-p", "tcp", "--tcp-flags", "SYN,RST", "SYN", "-j", "ACCEPT"),
    ("OUTPUT", "-p", "tcp", "-j", "DROP"),
]


@dataclass(frozen=True)
class Namespace:
    """A machine of that name at that address."""

    name: str
    address: str

    @property
    def within(self) -> Sequence[str]:
        """The words that run a command there."""
        return ("ip", "netns", "exec", self.name)

    @contextmanager
    def fault(self, rules: Sequence[Rule]) -> Iterator[None]:
        """What the rules say befalls its packets until the end of the block."""
        try:
            for rule in rules:
                _run(*self.within, "iptables", "-A", *rule)
            yield
        finally:
            _run(*self.within, "iptables", "-F")


def is_possible() -> bool:
    """Whether it can be made here."""
    return os.geteuid() == 0 and all(shutil.which(name) for name in NEEDED)


@contextmanager
def namespace() -> Iterator[Namespace]:
    """A namespace, gone at the end with the cable to it."""
    number = os.getpid() % PAIRS
    here, there = (f"10.213.{number // 64}.{number % 64 * 4 + end}" for end in (1, 2))
    name = f"faults{number}"
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "link", "add", f"{name}a", "type", "veth", "peer", f"{name}b", "netns", name)
        _run("ip", "address", "add", f"{here}/30", "dev", f"{name}a")
        _run("ip", "link", "set", f"{name}a", "up")
        _run("ip", "-n", name, "address", "add", f"{there}/30", "dev", f"{name}b")
        for device in (f"{name}b", "lo"):
            _run("ip", "-n", name, "link", "set", device, "up")
        yield Namespace(name, there)
    finally:
        _run("ip", "netns", "delete", name)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
