"""Line writer: whoever logs is neither held up nor failed, whatever becomes of the lines."""

import os
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from service_kit.logs.line_writer import LineWriter
from tests.support.pipes import Pipe
from tests.support.waiting import wait_until

SHORT = 0.001

NewWriter = Callable[..., LineWriter]


def lost_line(number: int) -> bytes:
    return b"lost %d\n" % number


def numbered(count: int, length: int = 60) -> list[bytes]:
    return [b"%d" % n + b"." * length + b"\n" for n in range(count)]


@pytest.fixture
def writer_to(pipe: Pipe) -> Iterator[NewWriter]:
    """Makes a writer to a descriptor, which has ended when the test has."""
    writers: list[LineWriter] = []

    def new(fd: int, max_bytes: int = 1_000_000) -> LineWriter:
        writers.append(LineWriter(fd, lost_line, max_bytes=max_bytes, gather_seconds=SHORT))
        return writers[-1]

    yield new
    # Whoever still waits for a reader fails now.
    pipe.close_reading()
    for writer in writers:
        writer.close(10)


def put_all(writer: LineWriter, lines: list[bytes]) -> None:
    for line in lines:
        writer.put(line)


def test_lines_come_in_the_order_in_which_they_were_put(pipe: Pipe, writer_to: NewWriter) -> None:
    writer, lines = writer_to(pipe.writing), numbered(5_000)
    with pipe.being_read():
        put_all(writer, lines)
        writer.close(10)
    assert pipe.read.splitlines(keepends=True) == lines
    assert writer.lost == 0


def test_lines_of_many_threads_all_come_each_threads_in_their_order(
    pipe: Pipe, writer_to: NewWriter
) -> None:
    writer = writer_to(pipe.writing)
    of_thread = [[b"%d %d\n" % (thread, n) for n in range(500)] for thread in range(8)]
    threads = [threading.Thread(target=put_all, args=(writer, lines)) for lines in of_thread]
    with pipe.being_read():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        writer.close(10)
    came = pipe.read.splitlines(keepends=True)
    for number, lines in enumerate(of_thread):
        assert [line for line in came if line.startswith(b"%d " % number)] == lines


def test_a_line_that_finds_the_queue_full_is_lost_and_a_line_says_so_later(
    pipe: Pipe, writer_to: NewWriter
) -> None:
    writer, lines = writer_to(pipe.writing, max_bytes=20_000), numbered(1_000)
    # Nobody reads: it returns all the same.
    put_all(writer, lines)
    lost = writer.lost
    assert 600 < lost < 1_000
    with pipe.being_read():
        wait_until(lambda: b"lost" in pipe.read)
        writer.put(b"after\n")
        writer.close(10)
    *came, told, after = pipe.read.splitlines(keepends=True)
    assert came == lines[: 1_000 - lost]
    assert [told, after] == [lost_line(lost), b"after\n"]


def test_losses_are_told_once(pipe: Pipe, writer_to: NewWriter) -> None:
    writer = writer_to(pipe.writing, max_bytes=1_000)

    def came(line: bytes) -> bool:
        return line in pipe.read

    put_all(writer, numbered(1_000))
    with pipe.being_read():
        wait_until(lambda: b"lost" in pipe.read)
        for n in range(3):
            writer.put(b"after %d\n" % n)
            wait_until(partial(came, b"after %d\n" % n))
        writer.close(10)
    assert pipe.read.count(b"lost") == 1


def test_lines_for_a_reader_that_is_gone_are_lost(pipe: Pipe, writer_to: NewWriter) -> None:
    pipe.close_reading()
    writer = writer_to(pipe.writing)
    put_all(writer, numbered(300))
    wait_until(lambda: writer.lost == 300)


def test_lines_for_a_full_device_are_lost_and_writing_is_tried_again(writer_to: NewWriter) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        writer = writer_to(full.fileno())

        def lost(number: int) -> bool:
            return writer.lost == number

        for n in range(1, 4):
            writer.put(b"line\n")
            wait_until(partial(lost, n))


def test_a_line_that_is_put_after_a_failure_comes_and_the_losses_before_it_are_told(
    pipe: Pipe, writer_to: NewWriter
) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        fd = os.dup(full.fileno())
    writer = writer_to(fd)
    put_all(writer, numbered(3))
    wait_until(lambda: writer.lost == 3)
    os.dup2(pipe.writing, fd)
    with pipe.being_read():
        writer.put(b"after\n")
        writer.close(10)
    os.close(fd)
    assert pipe.read == b"after\n" + lost_line(3)


def test_a_descriptor_that_another_process_made_non_blocking_loses_nothing(
    pipe: Pipe, writer_to: NewWriter
) -> None:
    os.set_blocking(pipe.writing, False)
    writer, lines = writer_to(pipe.writing), numbered(2_000)
    put_all(writer, lines)
    with pipe.being_read():
        writer.close(10)
    assert pipe.read.splitlines(keepends=True) == lines


def test_a_stuck_reader_does_not_hold_up_the_end_for_longer_than_is_said(
    pipe: Pipe, writer_to: NewWriter
) -> None:
    writer = writer_to(pipe.writing)
    put_all(writer, numbered(1_000))
    ended = threading.Thread(target=writer.close, args=(0.2,))
    ended.start()
    ended.join(5)
    assert not ended.is_alive()


def test_lines_of_two_writers_stay_whole_on_one_pipe(pipe: Pipe, writer_to: NewWriter) -> None:
    writers = [writer_to(pipe.writing) for _ in range(2)]
    of_writer = [
        [bytes([65 + n]) * length + b"\n" for length in (10, 700, 3_000)] * 100 for n in range(2)
    ]
    for writer, lines in zip(writers, of_writer, strict=True):
        put_all(writer, lines)
    with pipe.being_read():
        for writer in writers:
            writer.close(10)
    came = pipe.read.splitlines(keepends=True)
    for n, lines in enumerate(of_writer):
        assert [line for line in came if line[0] == 65 + n] == lines
