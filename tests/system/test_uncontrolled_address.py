"""Address that others reach: no process listens on it unless it is said who may."""

import subprocess
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.ports import free_port

COMMANDS = {
    ("audit-service", "run"): "AUDIT_SERVICE_BIND",
    ("audit-service", "check"): "AUDIT_SERVICE_BIND",
    ("audit-service", "consume"): "AUDIT_SERVICE_CONSUMER_BIND",
    ("user-service", "run"): "USER_SERVICE_BIND",
    ("user-service", "check"): "USER_SERVICE_BIND",
    ("user-service", "relay"): "USER_SERVICE_RELAY_BIND",
}


@pytest.mark.parametrize(("words", "variable"), COMMANDS.items(), ids=str)
def test_it_is_refused_with_78_and_one_line_that_has_both_ways_out(
    words: tuple[str, str], variable: str, tmp_path: Path
) -> None:
    prefix = variable.partition("_SERVICE_")[0] + "_SERVICE"
    settings = {
        variable: f"0.0.0.0:{free_port()}",
        f"{prefix}_DATABASE_URL": f"sqlite:///{tmp_path}/data.db",
    }
    done = subprocess.run(
        [str(processes.BIN / words[0]), *words[1:]],
        env=processes.environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 78
    (line,) = done.stderr.splitlines()
    for part in (f"{prefix}_AUTH", settings[variable], "`tokens`", "`none`"):
        assert part in line
    assert list(tmp_path.iterdir()) == []
