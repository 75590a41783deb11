"""Policies of C2SP tlog-policy: the logs and witnesses that are known, and the quorum.

Lines, in which a name is used only once it is defined:

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> all|any|<k> <name>...
    quorum <name>|none
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from audit_service.evidence.note_keys import (
    Algorithm,
    KeyMalformed,
    VerifierKey,
    parse_verifier_key,
)

NONE: Final = "none"
_CHARACTERS = re.compile(rb"[\t\n\x20-\x7e\x80-\xff]*")
_NUMBER = re.compile(r"[1-9]\d{0,5}", re.ASCII)


class PolicyMalformed(Exception):
    """A text is no policy; the message names the line, and says why."""


@dataclass(frozen=True)
class Witness:
    """A witness by its name in the policy; its URL is the submission prefix."""

    name: str
    key: VerifierKey
    url: str | None


@dataclass(frozen=True)
class WitnessGroup:
    """Members, of whom `threshold` have to have witnessed a checkpoint."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class WitnessPolicy:
    """Who has to have signed a checkpoint. `quorum` is a name, or None where nobody has to."""

    logs: tuple[VerifierKey, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    groups: Mapping[str, WitnessGroup] = field(default_factory=dict)
    quorum: str | None = None

    @property
    def witness_keys(self) -> tuple[VerifierKey, ...]:
        """The keys of all witnesses."""
        return tuple(witness.key for witness in self.witnesses)

    def is_met(self, cosigners: Collection[VerifierKey]) -> bool:
        """Whether cosignatures by these keys are enough."""
        if self.quorum is None:
            return True
        names = {witness.name for witness in self.witnesses if witness.key in cosigners}
        return self._has_witnessed(self.quorum, names)

    def _has_witnessed(self, name: str, cosigners: Collection[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name in cosigners
        witnessed = sum(self._has_witnessed(member, cosigners) for member in group.members)
        return witnessed >= group.threshold


NO_WITNESSES: Final = WitnessPolicy()


def parse_policy(content: bytes) -> WitnessPolicy:
    """Raises PolicyMalformed."""
    if not _CHARACTERS.fullmatch(content):
        raise PolicyMalformed("has control characters other than tab and newline")
    # Octets with the high bit set are opaque to the format.
    text = content.decode(errors="surrogateescape")
    reading = _PolicyReading()
    for number, line in enumerate(text.split("\n"), 1):
        words = [word for word in re.split(r"[ \t]+", line) if word]
        if not words or words[0].startswith("#"):
            continue
        try:
            reading.read(*words)
        except (PolicyMalformed, KeyMalformed) as error:
            raise PolicyMalformed(f"line {number}: {error}") from None
    return reading.policy()


class _PolicyReading:
    """A policy of which some lines have been read."""

    def __init__(self) -> None:
        self._logs: list[VerifierKey] = []
        self._witnesses: list[Witness] = []
        self._groups: dict[str, WitnessGroup] = {}
        self._names: set[str] = set()
        self._members: set[str] = set()
        self._quorums: list[str] = []

    def read(self, kind: str, *words: str) -> None:
        """One line."""
        match kind, words:
            case "log", [key] | [key, _]:
                self._add_log(key)
            case "witness", [name, key]:
                self._add_witness(name, key, None)
            case "witness", [name, key, url]:
                self._add_witness(name, key, url)
            case "group", [name, threshold, *members] if members:
                self._add_group(name, threshold, tuple(members))
            case "quorum", [name]:
                self._set_quorum(name)
            case _:
                raise PolicyMalformed(f"is no line of log, witness, group or quorum: {kind[:20]}")

    def policy(self) -> WitnessPolicy:
        """All that was read."""
        if not self._quorums:
            raise PolicyMalformed("has no quorum")
        quorum = None if self._quorums == [NONE] else self._quorums[0]
        return WitnessPolicy(tuple(self._logs), tuple(self._witnesses), self._groups, quorum)

    def _add_log(self, text: str) -> None:
        key = parse_verifier_key(text)
        if key.algorithm is not Algorithm.ED25519:
            raise PolicyMalformed("the key is not one of a log")
        if key.public in {known.public for known in self._logs}:
            raise PolicyMalformed("the log is there already")
        self._logs.append(key)

    def _add_witness(self, name: str, text: str, url: str | None) -> None:
        key = parse_verifier_key(text)
        if key.algorithm is not Algorithm.COSIGNATURE:
            raise PolicyMalformed("the key is not one of a witness")
        if key.public in {witness.key.public for witness in self._witnesses}:
            raise PolicyMalformed("the witness is there already")
        self._define(name)
        self._witnesses.append(Witness(name, key, url))

    def _add_group(self, name: str, threshold: str, members: tuple[str, ...]) -> None:
        words = {"any": 1, "all": len(members)}
        needed = int(threshold) if _NUMBER.fullmatch(threshold) else words.get(threshold, 0)
        if not 1 <= needed <= len(members):
            raise PolicyMalformed(f"a threshold is all, any, or 1 to {len(members)}")
        for member in members:
            if member not in self._names:
                raise PolicyMalformed(f"{member} is not defined before it")
            if member in self._members:
                raise PolicyMalformed(f"{member} is a member already")
            self._members.add(member)
        self._define(name)
        self._groups[name] = WitnessGroup(needed, members)

    def _set_quorum(self, name: str) -> None:
        if name != NONE and name not in self._names:
            raise PolicyMalformed(f"{name} is not defined before it")
        if self._quorums:
            raise PolicyMalformed("there is a quorum already")
        self._quorums.append(name)

    def _define(self, name: str) -> None:
        if name == NONE or name in self._names:
            raise PolicyMalformed(f"{name} is defined already")
        self._names.add(name)
