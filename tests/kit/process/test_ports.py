"""A port is taken by nobody else, and by no ghost."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from service_kit.process.ports import PortTaken, Resolve, addresses_of, wait_for_port


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def _bind(listener: socket.socket) -> str:
    host, port = listener.getsockname()
    return f"{host}:{port}"


def test_a_port_on_which_somebody_listens_is_taken(listener: socket.socket) -> None:
    with pytest.raises(PortTaken, match=_bind(listener)):
        wait_for_port(_bind(listener), timeout=0)


def test_a_port_that_is_shared_out_is_taken_all_the_same() -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with pytest.raises(PortTaken):
            wait_for_port(_bind(listener), timeout=0)


def test_a_free_port_is_free_at_once(listener: socket.socket) -> None:
    bind = _bind(listener)
    listener.close()
    began = time.monotonic()
    wait_for_port(bind)
    assert time.monotonic() - began < 1


def test_a_port_with_nothing_but_old_connections_is_free(listener: socket.socket) -> None:
    bind = _bind(listener)
    with socket.create_connection(listener.getsockname()) as client:
        accepted, _ = listener.accept()
        # Whoever closes first is left in TIME_WAIT.
        accepted.close()
        assert client.recv(1) == b""
    address = listener.getsockname()
    listener.close()
    with socket.socket() as plain, pytest.raises(OSError, match="in use"):
        plain.bind(address)
    wait_for_port(bind, timeout=0)


def test_a_port_that_is_about_to_be_free_is_waited_for(listener: socket.socket) -> None:
    timer = threading.Timer(0.2, listener.close)
    timer.start()
    wait_for_port(_bind(listener), timeout=5)
    timer.join()


def test_the_probe_does_not_keep_the_port(listener: socket.socket) -> None:
    bind = _bind(listener)
    address = listener.getsockname()
    listener.close()
    wait_for_port(bind, timeout=0)
    with socket.create_server(address):
        pass


@pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.1"])
def test_an_address_that_is_not_ours_cannot_be_listened_on(host: str) -> None:
    with pytest.raises(PortTaken, match=f"cannot listen on {host}:80: "):
        wait_for_port(f"{host}:80", timeout=0)


def resolve_to(*hosts: str) -> Resolve:
    """A look-up of names, all of which have these addresses."""

    def resolve(_host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [
            (socket.AF_INET6 if ":" in host else socket.AF_INET, 0, 0, "", (host, port))
            for host in hosts
        ]

    return resolve


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"])
def test_a_name_is_taken_where_something_listens_on_any_of_its_addresses(host: str) -> None:
    resolve = resolve_to("127.0.0.1", "127.0.0.2")
    with socket.create_server((host, 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(PortTaken):
            wait_for_port(f"localhost:{port}", 0, resolve)


def test_a_name_stands_for_all_of_its_addresses_that_this_machine_has() -> None:
    resolve = resolve_to("127.0.0.1", "192.0.2.1", "127.0.0.2")
    assert addresses_of("localhost:80", resolve) == ["127.0.0.1:80", "127.0.0.2:80"]
    assert "127.0.0.1:80" in addresses_of("localhost:80")


@pytest.mark.parametrize("address", ["127.0.0.1:80", "0.0.0.0:80"])
def test_a_literal_address_is_itself(address: str) -> None:
    assert addresses_of(address) == [address]
