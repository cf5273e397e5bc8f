"""Who may be named as a host."""

import pytest

from propylon.errors import MalformedRequest
from propylon.http import authority
from propylon.http.authority import host_text


@pytest.mark.parametrize(
    ("raw", "host"),
    [
        (b"a", "a"),
        (b"API.Example.com:8080", "api.example.com:8080"),
        (b"my_service:80", "my_service:80"),
        (b"127.0.0.1", "127.0.0.1"),
        (b"[::1]:443", "[::1]:443"),
        (b"[FE80::1]", "[fe80::1]"),
    ],
)
def test_a_host_is_lower_case_with_its_port(raw: bytes, host: str) -> None:
    assert host_text(raw) == host
    assert host_text(raw) == host  # remembered as it was judged


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"a,b",
        b"a b",
        b"u@a",
        b"u:p@a",
        b"a:",
        b"a:x",
        b"a:65536",
        b"a:99999999",
        b"a:1:2",
        b"::1",
        b"[::1",
        b"[g]",
        b"a/b",
        b"a%41",
        b"a\n",
        b"\xe9",
        b"a" * 262,
    ],
)
def test_what_is_no_host_and_port_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedRequest):
        host_text(raw)


def test_the_hosts_remembered_are_bounded() -> None:
    for number in range(authority.HOSTS_MAX + 10):
        assert host_text(b"h%d" % number) == f"h{number}"
    assert len(authority._known) <= authority.HOSTS_MAX
