"""Program: its name, with which each line begins that says why a command ended."""

from typing import Final

PROGRAM: Final = "audit-service"
