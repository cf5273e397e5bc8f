"""How Tyk named and hashed keys: published vectors, the defect of its 32-bit hash, and which texts are one key."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.errors import Problem
from propylon.model.tyk_hashes import (
    ALGORITHMS,
    LegacyHash,
    candidates,
    canonical_id,
    documented,
    legacy_hash,
    read_legacy_hash,
)

ORG = "5aaa35ad7d0d6e000187d6ea"  # of the forum thread
ids = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"\\/'), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("", "00000000000000000000000000000000"),
        ("hello", "cbd8a7b341bd9b025b1e906a48ae1d19"),
        ("hello, world", "342fac623a5ebc8e4cdcbc079642414d"),
        ("19 Jan 2038 at 3:14:07 AM", "b89e5988b737affc664fc2950231b2cb"),
        ("The quick brown fox jumps over the lazy dog.", "cd99481f9ee902c9695da1a38987b6e7"),
    ],
)
def test_murmur_of_128_bits_is_that_of_its_published_vectors_and_64_bits_are_its_first_half(
    text: str, digest: str
) -> None:
    assert legacy_hash("murmur128", text).digest == digest
    assert legacy_hash("murmur64", text).digest == digest[:16]


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        *((f"{ORG}aaa-bbb-{tail}", "f80eb96c") for tail in ("999", "99", "9", "", "998", "xyz")),
        (f"{ORG}aaa-bbx-999", "728b4c5b"),
        *((f"aaa-bbb-{tail}", "006084e9") for tail in ("999", "99", "")),
        *((text, "00000000") for text in ("", "a", "ab", "abc")),
    ],
)
def test_murmur_of_32_bits_loses_the_last_bytes_as_in_the_thread(text: str, digest: str) -> None:
    assert legacy_hash("murmur32", text).digest == digest


def test_sha256_is_itself() -> None:
    known = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert legacy_hash("sha256", "hello") == LegacyHash("sha256", known)


@given(ids, st.sampled_from(ALGORITHMS))
def test_every_spelling_of_an_id_names_that_id_and_no_other(key_id: str, algorithm: str) -> None:
    whole = canonical_id(ORG, key_id)  # an ID that begins like its organisation is the rest of it (H-3)
    for candidate in candidates(ORG, whole):
        assert {canonical_id(ORG, text) for text in candidate.spellings} == {whole}
    assert canonical_id(ORG, documented(ORG, whole, algorithm)) == whole


@pytest.mark.parametrize(
    ("presented", "key_id"),
    [
        ("abc", "abc"),
        (f"{ORG}abc", "abc"),
        (f"{ORG}{ORG}abc", f"{ORG}abc"),
        (ORG, ""),  # the organisation alone was a credential in Tyk
        (documented(ORG, "abc", "murmur64"), "abc"),
        (documented("other", "abc", "murmur64"), ""),
        (documented(ORG, "abc", "murmur65"), ""),
        (b64encode(f'{{"id":"abc","org":"{ORG}","h":"murmur64"}}'.encode()).decode(), ""),
        (documented(ORG, "abc", "murmur64") + "AAAA", documented(ORG, "abc", "murmur64") + "AAAA"),
        ("eyes-only", "eyes-only"),
        ("eyJhIjoxfQ==", "eyJhIjoxfQ=="),
    ],
)
def test_what_is_presented_names_one_id_or_none(presented: str, key_id: str) -> None:
    assert canonical_id(ORG, presented) == key_id


@given(ids, st.data())
def test_another_text_is_another_key_but_for_the_hash_that_loses_its_end(key_id: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(key_id) - 1))
    other = key_id[:place] + key_id[place + 1 :]
    exact = {one.legacy for one in candidates(ORG, key_id) if one.legacy.algorithm != "murmur32"}
    if canonical_id(ORG, key_id) != canonical_id(ORG, other):
        assert exact.isdisjoint(one.legacy for one in candidates(ORG, other))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("f80eb96c", LegacyHash("murmur32", "f80eb96c")),
        ("apikey-F80EB96C", LegacyHash("murmur32", "f80eb96c")),
        ("0" * 16, LegacyHash("murmur64", "0" * 16)),
        ({"algorithm": "sha256", "hash": "a" * 64}, LegacyHash("sha256", "a" * 64)),
        ({"algorithm": "murmur32", "hash": "a" * 64}, "legacy_hash_invalid"),
        ("f80eb96", "legacy_hash_invalid"),
        ("f80eb96g", "legacy_hash_invalid"),
        ("", "legacy_hash_invalid"),
        (None, "wrong_type"),
        ({"algorithm": "murmur32"}, "wrong_type"),
    ],
)
def test_a_legacy_hash_says_its_algorithm_by_its_length(value: object, expected: LegacyHash | str) -> None:
    read = read_legacy_hash(value)
    assert (read.code if isinstance(read, Problem) else read) == expected
