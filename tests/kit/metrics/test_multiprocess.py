"""Workers share files that exist as long as their service does, and no longer."""

import os
import stat
import subprocess
import sys
from pathlib import Path

from service_kit.metrics import multiprocess
from service_kit.metrics.multiprocess import VARIABLE

COUNT = """
import sys
from service_kit.metrics.gauge import Gauge
from service_kit.metrics.registry import Metrics
metrics = Metrics()
metrics.counter("trial_total", "Trials").inc(int(sys.argv[1]))
depth = Gauge("trial_depth", "How deep")
metrics.gauges([depth], lambda: {depth: 7})
sys.stdout.buffer.write(metrics.text())
"""


def _counting(number: int, prepare: str = "") -> str:
    """The metrics of a process that counts so many, and ends."""
    command = [sys.executable, "-c", prepare + COUNT, str(number)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_processes_that_share_files_tell_the_sum_of_all_that_ever_were(tmp_path: Path) -> None:
    with multiprocess.shared_folder(tmp_path):
        assert "trial_total 2.0\n" in _counting(2)
        assert "trial_total 5.0\n" in _counting(3)


def test_a_gauge_has_one_value_however_many_processes_share_files(tmp_path: Path) -> None:
    with multiprocess.shared_folder(tmp_path):
        assert [_counting(1).count("trial_depth 7.0\n") for _ in range(2)] == [1, 1]
        assert _counting(1).count("\ntrial_depth") == 1


def test_processes_that_share_none_tell_of_themselves(tmp_path: Path) -> None:
    assert "trial_total 2.0\n" in _counting(2)
    assert "trial_total 3.0\n" in _counting(3)


def test_the_same_series_come_out_wherever_values_are_kept(tmp_path: Path) -> None:
    alone = _counting(1)
    with multiprocess.shared_folder(tmp_path):
        assert _counting(1) == alone


def test_a_file_that_a_worker_is_about_to_fill_is_passed_over(tmp_path: Path) -> None:
    with multiprocess.shared_folder(tmp_path) as folder:
        (folder / "counter_1.db").touch()
        assert "trial_total 1.0\n" in _counting(1)


# As a full disk, and one that has room for the first of two files.
NO_ROOM = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
"""


def test_a_file_has_its_room_before_anything_is_counted(tmp_path: Path) -> None:
    with multiprocess.shared_folder(tmp_path) as folder:
        _counting(1)
        files = {file.name.split("_")[0]: file.stat() for file in folder.iterdir()}
        assert set(files) == set(multiprocess.KINDS)
        for status in files.values():
            assert status.st_blocks * 512 >= status.st_size == multiprocess.FILE_BYTES


def test_a_worker_without_room_counts_nothing_and_shows_what_others_count(tmp_path: Path) -> None:
    with multiprocess.shared_folder(tmp_path) as folder:
        _counting(2)
        before = sorted(folder.iterdir())
        shown = _counting(3, prepare=NO_ROOM)
        assert "trial_total 2.0\n" in shown
        assert "no room for metrics" in shown
        assert sorted(folder.iterdir()) == before
        assert "trial_total 6.0\n" in _counting(4)


def test_a_worker_that_died_leaves_what_it_counted_and_no_more_room(tmp_path: Path) -> None:
    with multiprocess.shared_folder(tmp_path) as folder:
        _counting(2)
        (pid,) = {int(file.stem.split("_")[1]) for file in folder.iterdir()}
        multiprocess.worker_died(pid)
        assert sum(file.stat().st_size for file in folder.iterdir()) < 1000
        assert "trial_total 5.0\n" in _counting(3)


def test_the_folder_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with multiprocess.shared_folder(tmp_path) as folder:
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    finally:
        os.umask(before)


def test_the_files_are_gone_in_the_end(tmp_path: Path) -> None:
    with multiprocess.shared_folder(tmp_path) as folder:
        assert os.environ[VARIABLE] == str(folder)
        assert list(folder.iterdir()) == []
        (folder / "counter_1.db").touch()
    assert list(tmp_path.iterdir()) == []
    assert VARIABLE not in os.environ


def test_a_worker_that_ends_leaves_them_to_the_others(tmp_path: Path) -> None:
    with multiprocess.shared_folder(tmp_path) as folder:
        code = (
            "import os, sys\n"
            "from pathlib import Path\n"
            "from service_kit.metrics import multiprocess\n"
            "with multiprocess.shared_folder(Path(sys.argv[1])) as folder:\n"
            "    worker = os.fork()\n"
            "    if worker == 0:\n"
            "        sys.exit()\n"
            "    os.waitpid(worker, 0)\n"
            "    sys.exit(0 if folder.exists() else 'gone')\n"
        )
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
        assert list(tmp_path.iterdir()) == [folder]


def test_files_of_a_killed_service_are_removed_and_no_others(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from service_kit.metrics import multiprocess\n"
        "with multiprocess.shared_folder(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'counter_1.db').touch()\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    others = tmp_path / "others"
    others.mkdir()
    with multiprocess.shared_folder(tmp_path) as running:
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
        assert len(list(tmp_path.iterdir())) == 3
        with multiprocess.shared_folder(tmp_path) as mine:
            assert sorted(tmp_path.iterdir()) == sorted([others, running, mine])
