"""The ring of a key: generations added, sent away, ended by date or disuse, and where their materials are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.model.key_ring import (
    KEPT_MAX,
    USE_GRAIN_S,
    Retirement,
    Ring,
    RingEntry,
    current,
    in_force,
    kind_of_secret,
    material_path,
    next_generation,
    read_ring,
    replaced,
    retired,
    ring_to_stored,
    rotated,
    token_entry,
    tokens_of,
    with_materials,
    without_orphans,
)

NOW = 1_800_000_000.0
FIRST = RingEntry(1, "hmac", "HS256", created=5.0)
SECOND = RingEntry(2, "pem", "RS256", created=NOW)
FIRST_TOKEN = RingEntry(1, "token", key_hash="a" * 64)
SECOND_TOKEN = RingEntry(2, "token", created=NOW, key_hash="b" * 64)

texts = st.text(max_size=8)
times = st.floats(0, 2**33)
entries = st.builds(
    RingEntry,
    st.integers(1, 10**6),
    st.sampled_from(["token", "hmac", "pem", "jwk", "jwks_uri"]),
    texts,
    st.sampled_from(["active", "retiring", "retired"]),
    *[times] * 4,
    texts,
    text=st.just(""),
)


@given(st.lists(entries, max_size=4).map(tuple))
def test_a_ring_reads_back_as_it_was_stored(ring: Ring) -> None:
    assert read_ring(ring_to_stored(ring)) == ring


def test_a_material_is_not_stored_with_the_ring() -> None:
    assert "hush" not in ring_to_stored((FIRST._replace(text="hush"),))


@pytest.mark.parametrize("damage", ["{", '[{"generation":1,"kind":"hmac","nonsense":2}]', "[1]"])
def test_what_is_no_ring_is_not_read_as_one(damage: str) -> None:
    with pytest.raises(ValueError, match="no ring"):
        read_ring(damage)


def test_a_rotation_sends_the_active_one_away_and_leaves_the_plans_of_others() -> None:
    once = rotated((FIRST,), SECOND, Retirement(NOW + 60, 5.0))
    assert once == (SECOND, FIRST._replace(state="retiring", retiring_since=NOW, retire_at=NOW + 60, unused_for_s=5.0))
    third = RingEntry(3, "hmac", created=NOW + 1)
    assert [one.retire_at for one in rotated(once, third, Retirement(NOW + 99))] == [0, NOW + 99, NOW + 60]


def test_a_rotation_of_verifiers_leaves_tokens_alone() -> None:
    assert rotated((FIRST_TOKEN,), SECOND, Retirement(NOW))[1] == FIRST_TOKEN


@pytest.mark.parametrize(
    ("state", "retire_at", "is_over"),
    [("active", 0, False), ("retiring", 0, False), ("retiring", NOW + 1, False), ("retiring", NOW, True)]
    + [("retiring", NOW - 1, True), ("retired", 0, True)],
)
def test_an_entry_is_over_at_its_very_date(state: str, retire_at: float, is_over: bool) -> None:
    entry = FIRST._replace(state=state, retire_at=retire_at)
    assert entry.is_over(NOW) is is_over
    assert (entry in in_force((entry,), NOW)) is not is_over


@pytest.mark.parametrize(
    ("entry", "last_used", "known_until", "is_due"),
    [
        (FIRST, 0, NOW, False),
        (FIRST._replace(state="retiring"), 0, NOW, False),
        (FIRST._replace(state="retiring", retire_at=NOW), NOW, NOW, True),
        (FIRST._replace(state="retiring", unused_for_s=100), NOW - 100 - USE_GRAIN_S, NOW, True),
        (FIRST._replace(state="retiring", unused_for_s=100), NOW - 99 - USE_GRAIN_S, NOW, False),
        (FIRST._replace(state="retiring", unused_for_s=100), 0, 0, False),
        (FIRST._replace(state="retiring", unused_for_s=100, retiring_since=NOW - 200), 0, NOW, False),
        (FIRST._replace(state="retired", unused_for_s=100), 0, NOW, False),
    ],
)
def test_an_entry_is_due_at_its_date_or_when_quiet_for_so_long(
    entry: RingEntry, last_used: float, known_until: float, is_due: bool
) -> None:
    assert entry.is_due(NOW, last_used, known_until) is is_due


def test_the_newest_material_is_where_a_key_without_a_ring_has_its_own() -> None:
    ring = rotated((FIRST,), SECOND, Retirement())
    assert [material_path(one, ring) for one in ring] == ["jwt_data.secret", "ring.1"]
    secrets = {"jwt_data.secret": "new", "ring.1": "old", "hmac_string": "other"}
    assert [one.text for one in with_materials(ring, secrets)] == ["new", "old"]
    gone = retired(ring, [1])
    assert without_orphans(gone, secrets) == {"jwt_data.secret": "new", "hmac_string": "other"}
    assert [one.generation for one in with_materials(gone, secrets)] == [2]


def test_another_secret_ends_every_verifier_and_no_token() -> None:
    token, fourth = FIRST_TOKEN._replace(generation=3), RingEntry(4, "hmac", created=NOW)
    ring = replaced((token, SECOND, FIRST), fourth)
    assert [one.state for one in ring] == ["active", "active", "retired", "retired"]
    assert current(ring, verifies=True) == fourth
    assert current(replaced((token, FIRST), None), verifies=True) is None


def test_a_token_is_found_by_its_hash_and_none_means_that_there_are_no_generations() -> None:
    ring = (SECOND_TOKEN, FIRST_TOKEN)
    assert token_entry(ring, "b" * 64) == SECOND_TOKEN
    assert token_entry((FIRST,), "a" * 64) is None
    assert tokens_of(ring, "a" * 64) == {"b" * 64: 2}


def test_a_token_whose_history_was_cut_off_stays_retired() -> None:
    found = token_entry((SECOND_TOKEN,), "a" * 64)
    assert found is not None
    assert found.is_over(NOW)


def test_history_is_bounded_and_nothing_in_force_is_cut_off() -> None:
    ring: Ring = (FIRST,)
    for _ in range(2 * KEPT_MAX):
        new = RingEntry(next_generation(ring), "hmac", created=NOW)
        ring = retired(rotated(ring, new, Retirement()), [new.generation - 1])
    assert len(ring) == KEPT_MAX
    assert [one.generation for one in ring][:2] == [2 * KEPT_MAX + 1, 2 * KEPT_MAX]
    assert current(ring, verifies=True) == ring[0]


@pytest.mark.parametrize(("text", "kind"), [("hush", "hmac"), ("-----BEGIN PUBLIC KEY-----\n", "pem")])
def test_a_secret_is_told_from_a_public_key(text: str, kind: str) -> None:
    assert kind_of_secret(text) == kind
