"""Tokens nobody thought of: whatever arrives, no answer is a server's error and nobody comes in without the key."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.end_to_end.doors import DOORS, GOOD, Door, ask, gateway_with_doors
from tests.jose.raw_tokens import raw_token
from tests.kit.gateway import Gateway
from tests.kit.origin import Origin

bounded = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
HONEST = {door.api_id: door.token() for door in DOORS}  # made once: each ECDSA signature is another
doors = st.sampled_from(DOORS)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
header_members = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "crit", "jwk", "jku", "b64", "zip", "x5c", "cty"]) | st.text(max_size=8),
    values,
    max_size=5,
)
claims = st.dictionaries(
    st.sampled_from(["sub", "exp", "nbf", "iat", "iss", "aud", "pol", "scope"]) | st.text(max_size=8),
    values,
    max_size=5,
)


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with Origin() as origin, gateway_with_doors(origin) as running:
        yield running


@st.composite
def changed(draw: st.DrawFn) -> tuple[Door, str]:
    """A good token with one piece taken out and something else put in its place."""
    door = draw(doors)
    token = HONEST[door.api_id]
    start = draw(st.integers(0, len(token)))
    end = draw(st.integers(start, min(len(token), start + 8)))
    put_in = draw(st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=8))
    return door, token[:start] + put_in + token[end:]


@bounded
@given(changed())
def test_a_changed_token_is_refused(gateway: Gateway, case: tuple[Door, str]) -> None:
    door, token = case
    assume(token.strip(" ") != HONEST[door.api_id])  # blanks around a field's value are none of it (RFC 9110 §5.5)
    assert 400 <= ask(gateway, door, token).status < 500


@bounded
@given(doors, header_members, claims)
def test_a_header_of_any_kind_without_the_key_is_refused(
    gateway: Gateway, door: Door, header: dict[str, Any], payload: dict[str, Any]
) -> None:
    token = raw_token(door.header(alg="HS256") | header, payload, b"the-attackers-very-own-32-bytes!")
    assert 400 <= ask(gateway, door, token).status < 500


@bounded
@given(doors, header_members, claims)
def test_signed_claims_of_any_kind_are_no_server_error(
    gateway: Gateway, door: Door, header: dict[str, Any], payload: dict[str, Any]
) -> None:
    token = door.token(door.header() | header, {**GOOD, **payload})
    assert ask(gateway, door, token).status < 500


@bounded
@given(doors, st.binary(max_size=200), st.binary(max_size=200))
def test_signed_bytes_of_any_kind_are_refused(gateway: Gateway, door: Door, header: bytes, payload: bytes) -> None:
    assume(not is_object(header))
    assert 400 <= ask(gateway, door, door.token(header, payload)).status < 500


def is_object(raw: bytes) -> bool:
    try:
        return isinstance(json.loads(raw), dict)
    except ValueError:
        return False
