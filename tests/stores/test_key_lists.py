"""Lists of keys: each way of narrowing, in the order in which keys were made; and kept whole after an update."""

import json
from typing import Any

import pytest
from sqlalchemy import text

from propylon.stores.records.key_lists import TAG_MAX, KeyList
from propylon.stores.records.records import Records
from tests.kit.places import Place, with_records
from tests.kit.records import TESTER, a_key, key_hash, put_key

NOW, SOON = 1_000.0, 2_000.0
GOLD, SILVER = "policy:acme/gold", "policy:acme/silver"
# Name, session, and what beside it is written.
KEYS: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    ("plain", {}, {}),
    ("jwt", {"expires": -1}, {"kind": "jwt_key"}),
    ("asleep", {"is_inactive": True, "expires": 5}, {"policy_ids": ("gold",)}),
    ("ended", {"expires": 999, "tags": ["beta", "eu"]}, {"api_ids": ("orders",)}),
    ("ending", {"expires": 1_500, "tags": ["beta"]}, {"policy_ids": ("gold", "silver")}),
    ("later", {"expires": 2_001, "tags": ["eu"]}, {"api_ids": ("orders",), "kind": "jwt_key"}),
    ("at-once", {"expires": 1, "tags": ["beta", "beta"]}, {"api_ids": ("orders",), "policy_ids": ("silver",)}),
)
NARROWED: tuple[tuple[dict[str, Any], str], ...] = (
    ({}, "plain jwt asleep ended ending later at-once"),
    ({"kind": "jwt_key"}, "jwt later"),
    ({"state": "active"}, "plain jwt ending later at-once"),
    ({"state": "suspended"}, "asleep"),
    ({"state": "expired"}, "ended"),
    ({"state": "soon"}, "ending"),
    ({"tag": "beta"}, "ended ending at-once"),
    ({"tag": "bet"}, ""),
    ({"tag": "beta", "state": "active"}, "ending at-once"),
    ({"tag": "eu", "kind": "jwt_key"}, "later"),
    ({"refers_to": [[GOLD]]}, "asleep ending"),
    ({"refers_to": [[GOLD]], "state": "active"}, "ending"),
    ({"refers_to": [["api:orders", SILVER]]}, "ended ending later at-once"),
    ({"refers_to": [[SILVER], ["api:orders"]]}, "at-once"),
    ({"refers_to": [["api:orders", GOLD]], "tag": "beta"}, "ended ending at-once"),
)


async def names_of(records: Records, **narrowed: Any) -> str:
    """Walked in pages of two."""
    chosen, after, found = KeyList("acme", now=NOW, soon=SOON, **narrowed), 0, list[str]()
    while page := await records.key_lists.page(chosen, after=after, limit=2):
        found += [json.loads(row.session)["alias"] for row in page]
        after = page[-1].record_id
    return " ".join(found)


async def put_all(records: Records) -> None:
    for name, session, rest in KEYS:
        for org_id in ("acme", "other"):
            await put_key(records, a_key(name, org_id, {"alias": name, **session}, **rest))


@pytest.mark.parametrize(("narrowed", "names"), NARROWED, ids=lambda given: str(given)[:60])
def test_a_list_holds_each_key_that_is_meant_once(place: Place, narrowed: dict[str, Any], names: str) -> None:
    async def scenario(records: Records) -> None:
        await put_all(records)
        assert await names_of(records, **narrowed) == names

    with_records(place, scenario)


def test_a_key_is_listed_by_what_it_is_now(place: Place) -> None:
    async def scenario(records: Records) -> None:
        await put_key(records, a_key("one", "acme", {"alias": "one", "tags": ["old"], "is_inactive": True}))
        await put_key(records, a_key("one", "acme", {"alias": "one", "tags": ["new"]}))
        assert [await names_of(records, tag=tag) for tag in ("old", "new")] == ["", "one"]
        assert [await names_of(records, state=one) for one in ("suspended", "active")] == ["", "one"]
        async with records.change(TESTER) as edit:
            await edit.delete_key(key_hash("one"))
        assert await names_of(records, tag="new") == ""

    with_records(place, scenario)
    assert place.sql("SELECT count(*) FROM key_tags") == "0"


def test_what_a_version_before_writes_is_listed_again(place: Place) -> None:
    """It changes a session and `updated_at`, and knows nothing of lists."""
    written = json.dumps({"alias": "one", "tags": ["new"], "is_inactive": True})

    async def scenario(records: Records) -> None:
        await put_all(records)
        await put_key(records, a_key("one", "acme", {"alias": "one", "tags": ["old"]}))
        assert await records.key_lists.are_whole()
        await of_before(records, "UPDATE keys SET session = :session, updated_at = 7 WHERE key_hash = :hash", written)
        assert not await records.key_lists.are_whole()
        assert [await records.key_lists.list_again(10) for _ in range(2)] == [1, 0]
        assert await records.key_lists.are_whole()
        assert [await names_of(records, tag=tag) for tag in ("old", "new")] == ["", "one"]
        assert await names_of(records, state="suspended") == "asleep one"

    with_records(place, scenario)


def test_keys_of_before_the_update_are_listed_in_pieces(place: Place) -> None:
    async def scenario(records: Records) -> None:
        await put_all(records)
        await of_before(records, "UPDATE keys SET listed_at = 0, inactive = 0, expires = 0")
        await of_before(records, "DELETE FROM key_tags")
        assert [await records.key_lists.list_again(10) for _ in range(3)] == [10, 4, 0]
        for narrowed, names in NARROWED:
            assert await names_of(records, **narrowed) == names

    with_records(place, scenario)


async def of_before(records: Records, statement: str, session: str = "") -> None:
    async with records._writing() as connection:
        given = {"session": session, "hash": key_hash("one")} if session else {}
        await connection.execute(text(statement), given)


@pytest.mark.parametrize("tag", ["é" * 5_000, "a\0b", "half \ud800", "100%", ""])
def test_any_tag_that_a_session_may_have_can_be_listed(place: Place, tag: str) -> None:
    async def scenario(records: Records) -> None:
        await put_key(records, a_key("one", "acme", {"alias": "one", "tags": [tag, tag[:TAG_MAX] + "!"]}))
        assert await names_of(records, tag=tag or "!") == "one"

    with_records(place, scenario)
