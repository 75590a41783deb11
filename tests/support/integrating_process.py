"""Process that signs a log as fast as it can, until it is killed: URL, file of the key."""

import sys
import time
from pathlib import Path

from audit_service.evidence import integrator
from audit_service.evidence.log_key import LogKey
from audit_service.evidence.tree_store import open_tree
from audit_service.log import open_log
from audit_service.log.recent_records import RecentRecords
from service_kit import disk_reserve


def main(url: str, key_file: str) -> None:
    """Sign, and say so once it begins."""
    integrator.SIGN_SECONDS = 0.0  # type: ignore[misc]
    integrator.RETRY_SECONDS = 0.05  # type: ignore[misc]
    log, key = open_log(url), LogKey(Path(key_file).read_text().strip(), "", None)
    signing = integrator.Integrator(RecentRecords(log), open_tree(url), key, disk_reserve.always)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        signing.step()
        time.sleep(0.0005)


if __name__ == "__main__":
    main(*sys.argv[1:])
