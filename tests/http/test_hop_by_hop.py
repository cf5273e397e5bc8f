"""Names that end here, and names that strangers may not use."""

import pytest

from propylon.errors import MalformedRequest, MalformedResponse
from propylon.http.hop_by_hop import FORWARDED_NAMES, HOP_BY_HOP, connection_options, is_forwarding_field


def test_the_list_is_that_of_the_reference() -> None:
    assert len(HOP_BY_HOP) == 9
    assert {b"connection", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"proxy-connection"} <= HOP_BY_HOP


@pytest.mark.parametrize(
    ("name", "forwarding"),
    [
        (b"x-forwarded-for", True),
        (b"x_forwarded_for", True),
        (b"x-forwarded_proto", True),
        (b"x-forwarded", True),
        (b"x-forwarded-anything", True),
        (b"x-real-ip", True),
        (b"x_real-ip", True),
        (b"forwarded", True),
        (b"x-request-id", False),
        (b"from", False),
        (b"forwarded-x", False),
        (b"accept", False),
        (b"", False),
    ],
)
def test_fields_that_tell_who_the_client_is_are_known_in_every_spelling(name: bytes, forwarding: bool) -> None:
    assert is_forwarding_field(name) is forwarding


def test_every_listed_forwarding_name_is_one() -> None:
    assert all(is_forwarding_field(name) for name in FORWARDED_NAMES)


@pytest.mark.parametrize(
    ("value", "options", "names"),
    [
        (b"keep-alive", {b"keep-alive"}, set()),
        (b"Close", {b"close"}, set()),
        (b"keep-alive, Upgrade", {b"keep-alive", b"upgrade"}, set()),
        (b" X-A ,,\tclose,", {b"x-a", b"close"}, {b"x-a"}),
        (b"Host, Content-Length, transfer-encoding, X-B", None, {b"x-b"}),
        (b"Authorization, X-Real-IP", None, {b"authorization", b"x-real-ip"}),
        (b"", set(), set()),
    ],
)
def test_a_connection_field_is_taken_apart(value: bytes, options: set[bytes] | None, names: set[bytes]) -> None:
    found = connection_options(value, MalformedRequest)
    assert found.names == names
    assert options is None or found.options == options


@pytest.mark.parametrize("value", [b"a b", b"close;q=1", b"\xe9", b'"close"'])
def test_what_is_no_token_is_refused_as_the_caller_says(value: bytes) -> None:
    with pytest.raises(MalformedResponse):
        connection_options(value, MalformedResponse)
