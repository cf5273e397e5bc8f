"""Families of algorithms."""

import pytest

from propylon.model.signing_families import FAMILIES, FAMILY_BY_ALGORITHM, families_of


def test_j7_every_algorithm_is_of_one_family() -> None:
    assert sum(len(names) for names in FAMILIES.values()) == len(FAMILY_BY_ALGORITHM) == 14


@pytest.mark.parametrize(
    ("algorithms", "families"),
    [
        ([], set()),
        (["HS256", "HS512"], {"hmac"}),
        (["PS256", "ES256", "EdDSA"], {"rsa", "ecdsa", "eddsa"}),
        (["none", "hs256", "RS1"], set()),
    ],
)
def test_what_is_no_algorithm_is_of_none(algorithms: list[str], families: set[str]) -> None:
    assert families_of(algorithms) == families
