"""Witnesses over HTTP: C2SP tlog-witness, its add-checkpoint call."""

import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final

import requests
from urllib3.exceptions import HTTPError

from audit_service.evidence.checkpoints import parse_size
from audit_service.evidence.cosignatures import Cosignature, cosignatures
from audit_service.evidence.note_keys import to_base64
from audit_service.evidence.notes import (
    Note,
    NoteMalformed,
    SignatureInvalid,
    parse_signatures,
)
from audit_service.evidence.witness_policy import Witness

TIMEOUT_SECONDS: Final = 5.0
MAX_ANSWER: Final = 64 * 1024

ConsistencyProof = Callable[[int], Sequence[bytes]]
"""The proof from an older size to that of the checkpoint that is offered."""
_Answer = tuple[int, bytes]
"""Status and body."""


class WitnessUnavailable(Exception):
    """A witness gave no cosignature; another time it may. The message says why."""


class WitnessDisagrees(Exception):
    """A witness saw a log of this name and key that is not the beginning of ours, or is longer.

    Either a copy of an older log was put in place of the newer one, or the witness is wrong.
    """


class WitnessClient:
    """A witness, and what is known of it. Used by one thread at a time.

    Proxies, netrc and cookies are not used, and redirects not followed.
    """

    def __init__(self, witness: Witness, timeout: float = TIMEOUT_SECONDS) -> None:
        """`timeout`: seconds for each step of an exchange, and for all of the answer's body.

        An answer whose head comes in drops takes longer, which is why each witness has a thread
        to itself. The witness MUST have a URL.
        """
        self.witness = witness
        self.known_size = 0
        """Size of the largest tree that it is known to have seen."""
        self._name = witness.name
        self._url = f"{(witness.url or '').rstrip('/')}/add-checkpoint"
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False

    def offer(self, note: Note, size: int, proof: ConsistencyProof) -> Cosignature:
        """Its cosignature of a checkpoint of that size.

        Raises WitnessUnavailable and WitnessDisagrees.
        """
        if self.known_size > size:
            # It is asked anew: what it said before may have been its own mistake.
            self.known_size = 0
        answer = self._post(note, proof)
        if self._learns_from(answer, size):
            answer = self._post(note, proof)
            if self._learns_from(answer, size):
                raise WitnessUnavailable(f"{self._name} was offered another size meanwhile")
        status, content = answer
        if status == HTTPStatus.UNPROCESSABLE_ENTITY or _told_size(answer) == self.known_size:
            raise WitnessDisagrees(f"{self._name} saw another tree of {self.known_size} events")
        if status != HTTPStatus.OK:
            raise WitnessUnavailable(f"{self._name} answered {status}")
        cosignature = self._cosignature(note, content)
        self.known_size = size
        return cosignature

    def close(self) -> None:
        """Close its connection."""
        self._session.close()

    def _learns_from(self, answer: _Answer, size: int) -> bool:
        """Whether it said another size than the one that was known; see `offer`."""
        told = _told_size(answer)
        if told is None or told == self.known_size:
            return False
        self.known_size = told
        if told > size:
            raise WitnessDisagrees(f"{self._name} saw {told} events where there are {size}")
        return True

    def _cosignature(self, note: Note, content: bytes) -> Cosignature:
        try:
            signatures = parse_signatures(content.decode())
            (found,) = cosignatures(note.text, signatures, [self.witness.key])
        except (UnicodeDecodeError, NoteMalformed, SignatureInvalid, ValueError):
            raise WitnessUnavailable(
                f"{self._name} answered without a cosignature of its key"
            ) from None
        return found

    def _post(self, note: Note, proof: ConsistencyProof) -> _Answer:
        hashes = proof(self.known_size) if self.known_size else ()
        lines = [f"old {self.known_size}", *map(to_base64, hashes), ""]
        body = "".join(f"{line}\n" for line in lines).encode() + bytes(note)
        until = time.monotonic() + self._timeout
        try:
            with self._session.post(
                self._url, data=body, timeout=self._timeout, stream=True, allow_redirects=False
            ) as answer:
                return answer.status_code, self._read(answer, until)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise WitnessUnavailable(
                f"{self._name} cannot be reached: {type(error).__name__}"
            ) from None

    def _read(self, answer: requests.Response, until: float) -> bytes:
        content = b""
        while chunk := answer.raw.read1(MAX_ANSWER):
            content += chunk
            if len(content) > MAX_ANSWER or time.monotonic() > until:
                raise WitnessUnavailable(f"{self._name} answers too much, or too slowly")
        return content


def _told_size(answer: _Answer) -> int | None:
    """The size of the tree that a witness saw last, where it refuses for that."""
    status, content = answer
    if status != HTTPStatus.CONFLICT:
        return None
    return parse_size(content.decode("latin-1").removesuffix("\n"))
