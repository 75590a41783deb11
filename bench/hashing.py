"""The argon2 floor: what no user service that hashes so can exceed on this machine."""

import os
import time

from user_service.passwords import Passwords
from user_service.settings import Settings


def floor(hashes: int) -> float:
    """Hashes a second: cores ÷ CPU seconds of one hash, with the user service's defaults."""
    fields = Settings.model_fields
    passwords = Passwords(
        memory_kib=fields["argon2_memory_kib"].default,
        iterations=fields["argon2_iterations"].default,
    )
    began = time.process_time()
    for _ in range(hashes):
        passwords.hash("12345", time.monotonic() + 60)
    return (os.cpu_count() or 1) * hashes / (time.process_time() - began)
