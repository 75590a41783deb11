"""Message that the Python client will not write: a header whose name is not UTF-8.

librdkafka itself writes it, called as the C library that it is.
"""

import ctypes
from importlib.util import find_spec
from pathlib import Path

_TOPIC, _VALUE, _MSGFLAGS, _HEADERS, _END = 1, 4, 7, 10, 0
_COPY = 2


def send(address: str, topic: str, name: bytes, value: bytes) -> None:
    """Write a message with one header of that name, and wait until it is acknowledged."""
    kafka = _library()
    error = ctypes.create_string_buffer(500)
    conf = ctypes.c_void_p(kafka.rd_kafka_conf_new())
    given = (b"bootstrap.servers", address.encode())
    assert kafka.rd_kafka_conf_set(conf, *given, error, len(error)) == 0, error.value
    producer = ctypes.c_void_p(kafka.rd_kafka_new(0, conf, error, len(error)))
    headers = ctypes.c_void_p(kafka.rd_kafka_headers_new(ctypes.c_size_t(1)))
    size = ctypes.c_ssize_t(-1)
    assert kafka.rd_kafka_header_add(headers, name, size, b"x", ctypes.c_ssize_t(1)) == 0
    fields = [
        *(ctypes.c_int(_TOPIC), ctypes.c_char_p(topic.encode())),
        *(ctypes.c_int(_VALUE), ctypes.c_char_p(value), ctypes.c_size_t(len(value))),
        *(ctypes.c_int(_MSGFLAGS), ctypes.c_int(_COPY)),
        *(ctypes.c_int(_HEADERS), headers),
    ]
    assert kafka.rd_kafka_producev(producer, *fields, ctypes.c_int(_END)) == 0
    assert kafka.rd_kafka_flush(producer, 20_000) == 0
    kafka.rd_kafka_destroy(producer)


def _library() -> ctypes.CDLL:
    spec = find_spec("confluent_kafka")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parents[1]
    (path,) = folder.glob("confluent_kafka.libs/librdkafka*.so*")
    library = ctypes.CDLL(str(path))
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_headers_new"):
        getattr(library, name).restype = ctypes.c_void_p
    return library
