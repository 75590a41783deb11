"""Address of a client: what a proxy that is trusted says of it, and nobody else."""

import pytest

from service_kit.http import client_address

TRUSTED = client_address.networks("127.0.0.1,10.0.0.0/8,::1")


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("::1", "2001:db8::1", "2001:db8::1"),
        # What a client says of itself is before what the proxy adds.
        ("127.0.0.1", "1.2.3.4, 198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "1.2.3.4, 198.51.100.7, 10.1.2.3", "198.51.100.7"),
        ("127.0.0.1", "10.9.9.9, 10.1.2.3", "10.9.9.9"),
        ("127.0.0.1", "1.2.3.4, unknown", "127.0.0.1"),
        ("127.0.0.1", "1.2.3.4, nonsense, 10.1.2.3", "10.1.2.3"),
        ("", "1.2.3.4", ""),
    ],
)
def test_the_client_is_the_last_that_no_trusted_proxy_has(
    peer: str, forwarded: str, expected: str
) -> None:
    environ = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}
    assert client_address.of(environ, TRUSTED) == expected
    assert client_address.of(environ, ()) == peer
