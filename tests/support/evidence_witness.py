"""A witness of a log as C2SP tlog-witness describes one, on a real socket."""

import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from audit_service.evidence.checkpoints import open_checkpoint
from audit_service.evidence.cosignatures import cosigned_message, timestamped
from audit_service.evidence.merkle import ProofInvalid, check_consistency
from audit_service.evidence.note_keys import Algorithm, SigningKey, VerifierKey, generate_key
from audit_service.evidence.notes import NoteMalformed, Signature, SignatureInvalid
from audit_service.evidence.witness_policy import Witness
from tests.support.sink_server import Peer, Sink, open_sink

NOW = 1_800_000_000


def cosign(text: str, key: SigningKey, time: int = NOW) -> Signature:
    """A cosignature of a checkpoint's text."""
    signature = key.sign(cosigned_message(text, time))
    return Signature(key.name, key_of(key).key_id, timestamped(time, signature))


def key_of(key: SigningKey) -> VerifierKey:
    """The key by which its cosignatures are known."""
    return VerifierKey(key.name, key.verifier.public, Algorithm.COSIGNATURE)


@dataclass
class FakeWitness:
    """It knows one log, and what it saw of it last."""

    log_key: VerifierKey
    name: str = "witness.example/w1"
    size: int = 0
    root: bytes = b""
    url: str = ""
    key: SigningKey = field(init=False)

    def __post_init__(self) -> None:
        self.key = generate_key(self.name)
        self._lock = threading.Lock()

    @property
    def witness(self) -> Witness:
        """As a policy has it."""
        return Witness("w1", key_of(self.key), self.url)

    @property
    def policy_line(self) -> str:
        """The line of a policy that names it."""
        return f"witness {self.name} {key_of(self.key)} {self.url}\n"

    def behave(self, peer: Peer) -> bool:
        """Answer a request."""
        if not peer.read():
            return False
        with self._lock:
            status, body = self._answer(peer.request.body)
        length = f"Content-Length: {len(body)}\r\n\r\n".encode()
        peer.send(f"HTTP/1.1 {status} Told\r\n".encode(), length, body)
        return True

    def _answer(self, request: bytes) -> tuple[int, bytes]:
        head, _, content = request.partition(b"\n\n")
        old_line, *lines = head.decode().split("\n")
        old = int(old_line.removeprefix("old "))
        try:
            checkpoint, note = open_checkpoint(content, self.log_key)
        except (NoteMalformed, SignatureInvalid):
            return 403, b""
        if old != self.size:
            return 409, f"{self.size}\n".encode()
        try:
            old_root = self.root if old else checkpoint.root
            if old:
                proof = list(map(b64decode, lines))
                check_consistency(old, old_root, checkpoint.size, checkpoint.root, proof)
        except ProofInvalid:
            return (409, f"{self.size}\n".encode()) if old == checkpoint.size else (422, b"")
        self.size, self.root = checkpoint.size, checkpoint.root
        return 200, str(cosign(note.text, self.key)).encode()


@contextmanager
def open_witness(log_key: VerifierKey, name: str = "witness.example/w1") -> Iterator[FakeWitness]:
    """A witness that listens."""
    witness = FakeWitness(log_key, name)
    with open_sink(witness.behave) as sink:
        witness.url = sink.url
        yield witness


def requests_to(sink: Sink) -> list[str]:
    """The first lines of what was offered to one."""
    return [request.body.decode().partition("\n")[0] for request in sink.received]
