"""Integrator: every event gets its leaf, whatever becomes of the process, on both databases."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from audit_service.evidence.merkle import EMPTY_ROOT
from audit_service.evidence.note_keys import generate_key
from audit_service.evidence.status import EvidenceStatus
from audit_service.log import Backend, LogUnavailable
from audit_service.log.recent_records import RecentRecords
from tests.audit.evidence.naive_tree import root
from tests.support.evidence_log import KEY, SignedLog, alter_log, alter_tree, signed_log
from tests.support.log_databases import Store, commit
from tests.support.log_processes import event


@pytest.fixture
def signed(store: Store, backend: Backend) -> Iterator[SignedLog]:
    with signed_log(store, backend) as opened:
        yield opened


def append(log: Backend, count: int, name: str = "e") -> None:
    commit(log, *(event(f"{name}{n}", b"x") for n in range(count)))


def check(signed: SignedLog, size: int) -> None:
    """The newest checkpoint is over that many events as they are in the log."""
    checkpoint = signed.checkpoint()
    assert checkpoint.size == size
    assert checkpoint.root == root(signed.leaves()[:size])


def test_an_empty_log_is_signed_too(signed: SignedLog) -> None:
    signed.catch_up()
    assert (signed.checkpoint().size, signed.checkpoint().root) == (0, EMPTY_ROOT)


@pytest.mark.parametrize("counts", [(1, 1, 1), (255, 1, 1), (256, 256), (700, 3)])
def test_each_event_has_its_leaf_at_its_position(
    signed: SignedLog, counts: tuple[int, ...]
) -> None:
    size = 0
    for n, count in enumerate(counts):
        append(signed.log, count, f"{n}-")
        signed.catch_up()
        size += count
        check(signed, size)


def test_it_signs_once_a_second_at_most(signed: SignedLog) -> None:
    append(signed.log, 1, "a")
    assert signed.integrator.step() == 1
    assert signed.size == 1
    append(signed.log, 1, "b")
    assert [signed.integrator.step(), signed.integrator.step()] == [1, 0]
    assert signed.size == 1
    signed.clock.now += 1
    assert signed.integrator.step() == 0
    check(signed, 2)


def test_where_much_waits_it_does_not(signed: SignedLog) -> None:
    integrator = signed.integrator_with(most_leaves=100)
    append(signed.log, 250, "a")
    assert integrator.step() == 250
    append(signed.log, 100, "b")
    assert integrator.step() == 100
    check(signed, 350)


def test_one_that_is_begun_anew_goes_on(store: Store, signed: SignedLog) -> None:
    append(signed.log, 300, "a")
    signed.catch_up()
    append(signed.log, 10, "b")
    with signed_log(store, signed.log) as another:
        another.catch_up()
        check(another, 310)


def test_of_two_one_lets_the_tree_grow_until_it_is_gone(store: Store, signed: SignedLog) -> None:
    with signed_log(store, signed.log) as other:
        append(signed.log, 1, "a")
        signed.catch_up()
        other.integrator.step()
        for n in range(3):
            append(signed.log, 1, f"b{n}")
            signed.catch_up()
            other.clock.now += 1
            other.integrator.step()
            check(other, n + 2)
        append(signed.log, 1, "c")
        for _ in range(2):
            assert other.size == 4
            other.wait()
            other.integrator.step()
        check(other, 5)


def test_both_of_two_that_add_the_same_make_one_tree(store: Store, signed: SignedLog) -> None:
    with signed_log(store, signed.log) as other:
        append(signed.log, 5, "a")
        assert [each.integrator.step() for each in (signed, other)] == [5, 0]
        other.wait()
        append(signed.log, 5, "b")
        for each in (other, signed):
            each.clock.now += 1
            each.integrator.step()
        check(signed, 10)
        check(other, 10)


def test_events_of_before_get_their_salts_in_steps(signed: SignedLog, store: Store) -> None:
    append(signed.log, 7)
    alter_log(store, "UPDATE event SET salt_a = NULL, salt_d = NULL WHERE position < 6")
    assert signed.integrator_with(salts_at_once=2).step() == 7
    check(signed, 7)


def test_another_key_signs_nothing_and_says_so_once(store: Store, signed: SignedLog) -> None:
    append(signed.log, 1, "a")
    signed.catch_up()
    append(signed.log, 1, "b")
    for other, reason in (
        (generate_key(KEY.name), "was begun with another key"),
        (generate_key("other.example"), "is that of log.example/tests"),
        (None, "no key is given"),
    ):
        with signed_log(store, signed.log, other) as stranger, capture_logs() as lines:
            for _ in range(3):
                stranger.catch_up()
                stranger.wait()
            assert stranger.size == 1
            assert [line["event"] for line in lines] == ["the log is not signed"]
            assert reason in lines[0]["reason"]
    signed.catch_up()
    check(signed, 2)


def test_without_a_key_nothing_is_begun(store: Store, backend: Backend) -> None:
    append(backend, 1)
    with signed_log(store, backend, None) as unsigned:
        unsigned.catch_up()
        assert (unsigned.tree.identity(), unsigned.tree.newest()) == (None, None)


ALTERATIONS = {
    "another root": "UPDATE tree_checkpoint SET root = hashes FROM (SELECT hashes FROM tree_tile "
    "WHERE level = 1) AS tile",
    "another size": "UPDATE tree_checkpoint SET size = 299",
    "another note": "UPDATE tree_checkpoint SET note = root",
    "a tile is gone": "DELETE FROM tree_tile WHERE level = 0 AND number = 1",
    "two tiles are one": "UPDATE tree_tile SET hashes = (SELECT hashes FROM tree_tile "
    "WHERE level = 0 AND number = 0) WHERE level = 0 AND number = 1",
    "its identity is gone": "DELETE FROM tree_identity",
    "its checkpoints are gone": "DELETE FROM tree_checkpoint",
    "another origin": "UPDATE tree_identity SET origin = 'x'",
}


@pytest.mark.parametrize("sql", ALTERATIONS.values(), ids=ALTERATIONS)
def test_a_tree_that_was_altered_is_never_signed_again(
    store: Store, signed: SignedLog, sql: str
) -> None:
    append(signed.log, 300, "a")
    signed.catch_up()
    before = signed.tree.newest()
    alter_tree(store, sql)
    altered = signed.tree.newest()
    append(signed.log, 1, "b")
    with signed_log(store, signed.log) as another, capture_logs() as lines:
        for _ in range(2):
            another.catch_up()
            another.wait()
        assert another.tree.newest() == altered
    assert [line["log_level"] for line in lines] == ["error"]
    assert before is not None


def test_a_log_that_lost_its_end_is_never_signed_again(store: Store, signed: SignedLog) -> None:
    """As a backup that is older than the tree: its positions go to other events."""
    append(signed.log, 5, "a")
    signed.catch_up()
    cut(store, 3)
    for added in (0, 5):
        append(signed.log, added, "b")
        with signed_log(store, signed.log) as another, capture_logs() as lines:
            another.catch_up()
            assert another.size == 5
        assert "the event at 5" in lines[0]["reason"]


def test_what_was_hashed_and_is_gone_by_now_is_not_signed(store: Store, signed: SignedLog) -> None:
    """As where a database fails over to a replica that lacks the last events."""
    append(signed.log, 2, "a")
    signed.integrator.step()
    append(signed.log, 3, "b")
    assert (signed.integrator.step(), signed.size) == (3, 2)
    cut(store, 4)
    append(signed.log, 1, "c")
    signed.clock.now += 1
    signed.integrator.step()
    assert signed.size == 2
    signed.wait()
    signed.catch_up()
    check(signed, 5)


def cut(store: Store, last: int) -> None:
    """Let a log end there."""
    alter_log(store, f"DELETE FROM event WHERE position > {last}")


def test_a_disk_without_room_stops_it_and_it_catches_up(store: Store, backend: Backend) -> None:
    room = [False]
    full = SignedLog(store, backend, has_room=lambda _: room[0])
    append(backend, 3)
    with capture_logs() as lines:
        full.catch_up()
        assert full.size == -1
        room[0] = True
        full.wait()
        full.catch_up()
    check(full, 3)
    assert [line["event"] for line in lines] == ["the log is not signed", "the log is signed again"]
    full.close()


def test_each_row_is_read_once_by_those_that_are_abreast(backend: Backend) -> None:
    append(backend, 10)
    reads: list[int | None] = []
    read = backend.oldest

    def counted(after: int | None, *rest: int) -> object:
        reads.append(after)
        return read(after, *rest)

    backend.oldest = counted  # type: ignore[method-assign, assignment]
    records = RecentRecords(backend)
    assert [r.position for r in records.after(3)] == [*range(4, 11)]
    assert [r.position for r in records.after(5)] == [*range(6, 11)]
    assert records.after(10) == ()
    append(backend, 1, "later")
    assert [r.position for r in records.after(10)] == [11]
    assert reads == [3, 10]
    assert [r.position for r in records.after(0)] == [*range(1, 12)]


def test_while_the_log_cannot_be_read_it_loses_nothing(store: Store, signed: SignedLog) -> None:
    append(signed.log, 3, "a")
    signed.catch_up()
    append(signed.log, 3, "b")
    assert signed.integrator.step() == 3

    def away() -> int:
        raise LogUnavailable("away")

    signed.log.last = away  # type: ignore[method-assign]
    signed.records.forget()
    with pytest.raises(LogUnavailable):
        signed.integrator.step()
    del signed.log.last
    signed.catch_up()
    check(signed, 6)


def test_a_tree_that_is_gone_is_not_begun_anew_by_who_signed_it(
    store: Store, signed: SignedLog
) -> None:
    append(signed.log, 5, "a")
    signed.catch_up()
    alter_tree(store, "DELETE FROM tree_identity; DELETE FROM tree_checkpoint")
    append(signed.log, 1, "b")
    with capture_logs() as lines:
        for _ in range(2):
            signed.catch_up()
            signed.wait()
    assert signed.size == -1
    assert "the tree has lost what was signed: 5 events" in lines[-1]["reason"]


def test_a_missing_event_stops_the_signing_and_is_named(store: Store, signed: SignedLog) -> None:
    append(signed.log, 5, "a")
    signed.catch_up()
    append(signed.log, 3, "b")
    alter_log(store, "DELETE FROM event WHERE position = 6")
    with capture_logs() as lines:
        signed.catch_up()
    assert signed.size == 5
    assert [line["reason"] for line in lines] == ["the event at 6 is missing"]
    status = EvidenceStatus(signed.log, signed.tree, signed.key_source)
    assert status.report()["stopped"] == "the event at 6 is missing"
