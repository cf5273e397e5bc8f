"""The cache of verified tokens."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.jose.verification import VerificationRecord, from_secret
from propylon.jose.verified_tokens import VerifiedToken, VerifiedTokens

RECORD = from_secret(b"a-shared-secret-of-32-characters", id="k1")
assert isinstance(RECORD, VerificationRecord)


def token(name: str) -> VerifiedToken:
    return VerifiedToken({"sub": name}, RECORD, "hash of aaa-bbb-999", 0, inf)


def test_a_token_is_found_by_its_digest_only() -> None:
    tokens = VerifiedTokens(2)
    tokens.put(b"a", token("anna"))
    assert tokens.get(b"a") == token("anna")
    assert tokens.get(b"b") is None


def test_the_least_recently_used_goes_first() -> None:
    tokens = VerifiedTokens(2)
    tokens.put(b"a", token("anna"))
    tokens.put(b"b", token("ben"))
    tokens.get(b"a")
    tokens.put(b"c", token("cleo"))
    assert [tokens.get(digest) is not None for digest in (b"a", b"b", b"c")] == [True, False, True]


def test_a_token_put_again_counts_as_used_and_takes_no_more_room() -> None:
    tokens = VerifiedTokens(2)
    for digest in (b"a", b"b", b"a", b"c"):
        tokens.put(digest, token("anna"))
    assert [tokens.get(digest) is not None for digest in (b"a", b"b", b"c")] == [True, False, True]


def test_a_capacity_of_nothing_keeps_nothing() -> None:
    tokens = VerifiedTokens(0)
    tokens.put(b"a", token("anna"))
    assert tokens.get(b"a") is None


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([b"%d" % n for n in range(9)]))), st.integers(0, 6))
def test_it_never_holds_more_than_its_capacity(calls: list[tuple[bool, bytes]], capacity: int) -> None:
    tokens = VerifiedTokens(capacity)
    for is_put, digest in calls:
        if is_put:
            tokens.put(digest, token("anna"))
        else:
            tokens.get(digest)
        assert len(tokens) <= capacity


@pytest.mark.parametrize("name", ["anna", "ben"])
def test_what_was_put_last_is_what_is_found(name: str) -> None:
    tokens = VerifiedTokens(2)
    tokens.put(b"a", token("old"))
    tokens.put(b"a", token(name))
    assert tokens.get(b"a") == token(name)
