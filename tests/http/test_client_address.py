"""Who the client is, when proxies may stand between."""

from ipaddress import ip_network

import pytest

from propylon.http.client_address import TrustedProxies
from propylon.http.limits import HeadLimits
from propylon.http.messages import RequestHead
from propylon.http.request_reader import RequestReader

TRUSTED = TrustedProxies([ip_network(one) for one in ("10.0.0.0/8", "fd00::/8")])


def head_with(forwarded_for: list[bytes]) -> RequestHead:
    lines = b"".join(b"X-Forwarded-For: %b\r\n" % value for value in forwarded_for)
    (head, _) = RequestReader(HeadLimits()).feed(b"GET / HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n")
    assert isinstance(head, RequestHead)
    return head


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("8.8.8.8", [b"1.1.1.1"], "8.8.8.8"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [b"1.1.1.1"], "1.1.1.1"),
        ("10.0.0.1", [b"6.6.6.6, 1.1.1.1"], "1.1.1.1"),
        ("10.0.0.1", [b"6.6.6.6, 1.1.1.1, 10.0.0.2"], "1.1.1.1"),
        ("10.0.0.1", [b"6.6.6.6", b"1.1.1.1,10.0.0.2"], "1.1.1.1"),
        ("10.0.0.1", [b"10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", [b"6.6.6.6, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [b"6.6.6.6:80"], "10.0.0.1"),
        ("10.0.0.1", [b"::ffff:1.1.1.1"], "1.1.1.1"),
        ("fd00::1", [b"2001:DB8::1"], "2001:db8::1"),
        ("10.0.0.1", [b""], "10.0.0.1"),
    ],
)
def test_the_client_is_the_last_address_that_no_trusted_proxy_vouches_for(
    peer: str, forwarded_for: list[bytes], client: str
) -> None:
    assert TRUSTED.client(peer, head_with(forwarded_for)).ip == client


def test_nobody_is_believed_unless_told() -> None:
    assert TrustedProxies(()).client("127.0.0.1", head_with([b"1.1.1.1"])) == ("127.0.0.1", False)
