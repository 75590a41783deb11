"""The command line, as a module."""

from audit_service.cli import main

main()
