"""IDs that are made: hard to guess, easy to recognise."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.model.key_id import ALPHABET, RANDOM_CHARACTERS, is_generated, new_key_id
from propylon.model.session import check_key_id

KNOWN = "ppk_0123456789ABCDEFGHIJKLxxxxxx"


def test_an_id_has_its_form_and_at_least_128_random_bits() -> None:
    assert re.fullmatch(r"ppk_[0-9A-Za-z]{28}", new_key_id())
    assert len(ALPHABET) ** RANDOM_CHARACTERS > 2**128


def test_every_id_is_another_and_may_be_a_key_id() -> None:
    made = {new_key_id() for _ in range(1000)}
    assert len(made) == 1000
    assert not [key_id for key_id in made if check_key_id(key_id, 3)]


def test_a_made_id_is_recognised_after_any_release() -> None:
    assert is_generated("ppk_0123456789ABCDEFGHIJKL3OJuAW")


@given(st.integers(0, 31), st.sampled_from(ALPHABET + "-é"))
def test_an_id_with_another_character_anywhere_is_not_one_of_ours(place: int, character: str) -> None:
    key_id = new_key_id()
    other = key_id[:place] + character + key_id[place + 1 :]
    assert is_generated(other) == (other == key_id)


@pytest.mark.parametrize("text", ["", "ppk_", "ppk", "x" * 32, KNOWN, KNOWN * 2])
def test_what_only_looks_like_one_is_not(text: str) -> None:
    assert not is_generated(text)
