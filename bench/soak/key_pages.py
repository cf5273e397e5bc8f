"""Every list of keys among a million of them, on both engines: how long the database takes for each."""

from typing import Any, Final

from sqlalchemy import text

from bench.listed_keys import fill
from bench.soak.pages import Ask, Fill, rows_of_pages
from bench.soak.row import Row, Size
from propylon.stores.records.key_lists import KeyList
from propylon.stores.records.records import Records

KEYS: Final = 1_000_000
NOW: Final = 1_800_000_000
SOON: Final = NOW + 30 * 86_400
PAGE: Final = 26
POLICY: Final = "policy:default/policy-7"


def key_pages_sqlite(size: Size) -> list[Row]:
    return rows_of("sqlite", size)


def key_pages_postgres(size: Size) -> list[Row]:
    return rows_of("postgres", size)


def rows_of(engine: str, size: Size) -> list[Row]:
    number = size.of(KEYS, least=20_000)
    return rows_of_pages(engine, f"{number:,} keys", keys(number, NOW, engine), questions(number))


def keys(number: int, now: int, engine: str) -> Fill:
    """Of every kind and state at the Unix time `now`."""

    async def made(records: Records) -> None:
        async with records._writing() as connection:
            await fill(connection, number, now)
        if engine == "postgres":  # as its autovacuum does by and by; SQLite's plans need no statistics
            async with records.reading_engine.connect() as connection:
                for table in ("keys", "key_tags", "key_uses"):
                    await connection.execute(text(f"VACUUM ANALYZE {table}"))

    return made


def questions(number: int) -> dict[str, Ask]:
    """By what a person sees. Those that find nothing look through everything."""
    half = number // 2
    return {
        "keys": _page(),
        "keys, the last page": _page(after=number - PAGE),
        "JWT signing keys": _page(kind="jwt_key", after=half),
        "active": _page(state="active"),
        "suspended": _page(state="suspended"),
        "suspended JWT signing keys": _page(kind="jwt_key", state="suspended"),
        "expired": _page(state="expired", after=half),
        "end soon": _page(state="soon"),
        "end soon, none of them left": _page(state="soon", soon=NOW, kind="jwt_key"),
        "with a rare tag": _page(tag="rare"),
        "with a frequent tag": _page(tag="half", after=half),
        "with a frequent tag, suspended": _page(tag="half", state="suspended"),
        "with a frequent tag, of a policy": _page(tag="half", refers_to=[[POLICY]]),
        "with a tag that none has": _page(tag="none"),
        "of a policy": _page(refers_to=[[POLICY]], after=half),
        "of a policy, suspended": _page(refers_to=[[POLICY]], state="suspended"),
        "of an API, by any of 50 policies": _page(refers_to=[["api:api-1", *(_policy(at) for at in range(50))]]),
        "of a policy and an API": _page(refers_to=[[POLICY], ["api:api-1"]]),
        "by alias": lambda records: records.keys_by_alias(f"caller-{half}", org_id="default"),
        "by hash": lambda records: records.key(f"{half:064}"),
        "Gateway API, a page": lambda records: records.keys(org_id="default", after=half),
        "dashboard API, the last page": lambda records: records.keys(org_id="default", offset=number - PAGE),
        "dashboard API, of an API": lambda records: records.keys(org_id="default", api_id="api-1", offset=number // 40),
        "number of keys": lambda records: records.count_keys(org_id="default"),
        "number of an API's": lambda records: records.count_keys(org_id="default", api_id="api-1"),
        "whether lists are whole": lambda records: records.key_lists.are_whole(),
        "used by, of a policy": lambda records: records.count_keys_using([POLICY], "default"),
    }


def _policy(number: int) -> str:
    return f"policy:default/policy-{number}"


def _page(*, after: int = 0, soon: int = SOON, **narrowed: Any) -> Ask:
    chosen = KeyList("default", now=NOW, soon=soon, **narrowed)
    return lambda records: records.key_lists.page(chosen, after=after, limit=PAGE)
