"""The command line, as a module."""

from audit_service.cli import main

if __name__ == "__main__":
    main()
