"""Memory of bodies is reserved before it is used, and refused past its bound."""

import pytest

from service_kit.http.body_memory import (
    OBJECT_BYTES,
    PARSING,
    READING,
    SMALL_BYTES,
    VALUE_BYTES,
    BodyMemory,
    BodyMemoryExhausted,
)

LONG = SMALL_BYTES + 1
MANY = 10**6


def test_what_does_not_fit_beside_others_is_refused() -> None:
    memory = BodyMemory(2 * READING * LONG)
    with memory.reservation() as first, memory.reservation() as second:
        first.for_reading(LONG)
        with memory.reservation() as third:
            third.for_reading(LONG)
            with pytest.raises(BodyMemoryExhausted):
                second.for_reading(LONG)
        second.for_reading(LONG)
        assert memory.held == 2 * READING * LONG
    assert memory.held == 0


def test_parsing_takes_more_with_each_value() -> None:
    memory = BodyMemory(10**9)
    body = b"[" + b"0," * LONG
    with memory.reservation() as reservation:
        reservation.for_parsing(body, MANY)
        assert memory.held == PARSING * len(body) + VALUE_BYTES * (LONG + 1)
    with memory.reservation() as reservation:
        reservation.for_parsing(body, 1000)
        assert memory.held == PARSING * len(body) + VALUE_BYTES * 1000


def test_once_parsed_it_takes_what_was_made_of_it() -> None:
    memory = BodyMemory(10**9)
    body = b"[" + b"0," * LONG
    with memory.reservation() as reservation:
        reservation.for_parsing(body, MANY)
        reservation.for_keeping(body, 100)
        assert memory.held == PARSING * len(body) + OBJECT_BYTES * 100
        reservation.for_keeping(body, MANY)
        assert memory.held == PARSING * len(body) + OBJECT_BYTES * 100
    assert memory.held == 0


def test_what_was_refused_keeps_what_it_had() -> None:
    memory = BodyMemory(PARSING * LONG)
    with memory.reservation() as first, memory.reservation() as second:
        first.for_reading(LONG)
        second.for_reading(LONG)
        with pytest.raises(BodyMemoryExhausted):
            second.for_parsing(b"x" * LONG, MANY)
        assert memory.held == 2 * READING * LONG
        second.for_reading(LONG)
        assert memory.held == 2 * READING * LONG


def test_a_body_that_is_alone_is_read_whatever_it_takes() -> None:
    memory = BodyMemory(1)
    with memory.reservation() as reservation:
        reservation.for_reading(LONG)
        reservation.for_parsing(b"x" * LONG, MANY)
        assert memory.held == PARSING * LONG


def test_a_short_body_is_read_whatever_the_others_take() -> None:
    memory = BodyMemory(1)
    with memory.reservation() as long, memory.reservation() as short:
        long.for_reading(LONG)
        short.for_reading(SMALL_BYTES)
        short.for_parsing(b"x" * SMALL_BYTES, MANY)


def test_memory_is_given_back_whatever_happens() -> None:
    memory = BodyMemory(1)

    def read_and_fail() -> None:
        with memory.reservation() as reservation:
            reservation.for_reading(LONG)
            raise ValueError("trial")

    with pytest.raises(ValueError, match="trial"):
        read_and_fail()
    assert memory.held == 0
