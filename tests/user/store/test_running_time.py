"""Running time: a minute passes only where a process has seen it pass."""

from sqlalchemy import Engine

from tests.support.manual_clock import ManualClock
from tests.user.conftest import Query
from user_service.store.running_time import RunningTime


def minutes(query: Query) -> int:
    ((found,),) = query("SELECT minutes FROM running_time")
    return int(found)


class Process:
    """A process and its clock."""

    def __init__(self, engine: Engine) -> None:
        self.clock = ManualClock()
        self._time = RunningTime(engine, self.clock)

    def run(self, seconds: int) -> None:
        """Tick once a second."""
        for _ in range(seconds):
            self._time.tick()
            self.clock.now += 1
        self._time.tick()


def test_a_minute_passes_each_minute(engine: Engine, query: Query) -> None:
    process = Process(engine)
    process.run(59)
    assert minutes(query) == 0
    process.run(1)
    assert minutes(query) == 1
    process.run(180)
    assert minutes(query) == 4


def test_several_processes_count_the_same_minute_once(engine: Engine, query: Query) -> None:
    processes = [Process(engine) for _ in range(3)]
    for _ in range(10 * 60):
        for process in processes:
            process.run(1)
    assert 9 <= minutes(query) <= 10


def test_a_pause_however_long_is_a_minute(engine: Engine, query: Query) -> None:
    process = Process(engine)
    process.run(1)
    process.clock.now += 24 * 3600
    process.run(1)
    assert minutes(query) == 1


def test_nothing_passes_while_no_process_runs(engine: Engine, query: Query) -> None:
    for _ in range(5):
        Process(engine).run(59)
    assert minutes(query) == 0
