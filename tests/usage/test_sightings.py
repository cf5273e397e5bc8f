"""Subjects of tokens are noted once a minute, and only under the name they have."""

from typing import Any

import pytest

from propylon.exchange import Caller, Exchange, Identity
from propylon.model.effective import EffectiveSession
from propylon.model.session_record import Session, root_limit
from propylon.usage.line import Sighting
from propylon.usage.sightings import SIGHTED_MAX, Sightings
from tests.usage.exchanges import exchange


def seen(subject: str, issuer: Any = "idp", record: str = "s1") -> tuple[Exchange, Caller]:
    identity = Identity(record, "subject", "acme", "f" * 64, subject)
    session = Session()
    caller = Caller(identity, EffectiveSession(session, (), {}, root_limit(session), ()), (), b"")
    ended = exchange()
    ended.caller, ended.claims = caller, {"iss": issuer}
    return ended, caller


def test_one_is_noted_again_when_a_line_of_another_minute_was_cut() -> None:
    sightings = Sightings()
    sightings.take(7)
    found = []
    for minute in (7, 7, 8, 8, 8):
        sightings.note(*seen("alice"))
        found.append(sightings.take(minute))
    alice = Sighting("f" * 64, "acme", "idp", "alice", [])
    assert found == [[alice], [], [], [alice], []]


def test_so_many_are_noted_and_the_others_when_they_come_again() -> None:
    sightings = Sightings()
    for number in range(SIGHTED_MAX + 1):
        sightings.note(*seen("alice", record=f"s{number}"))
    assert len(sightings.take(7)) == SIGHTED_MAX


@pytest.mark.parametrize("name", ["\ud800", "a\0b", "x" * 1025])
@pytest.mark.parametrize("place", ["subject", "issuer"])
def test_a_name_that_no_database_takes_is_not_mended_into_another(name: str, place: str) -> None:
    sightings = Sightings()
    sightings.note(*(seen(name) if place == "subject" else seen("alice", name)))
    assert sightings.take(7) == []


@pytest.mark.parametrize("issuer", [None, 5, ["idp"]])
def test_an_issuer_that_is_no_text_is_none(issuer: Any) -> None:
    sightings = Sightings()
    sightings.note(*seen("alice", issuer))
    assert [one.issuer for one in sightings.take(7)] == [""]
