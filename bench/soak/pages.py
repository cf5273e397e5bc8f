"""How long the database takes for what pages ask it, one after the other, on either engine."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from bench.soak.row import Row
from propylon.stores.records.records import Records
from propylon.stores.sealing import RootSecret
from tests.kit.places import Place, SqlitePlace, postgres_place, records_at
from tests.kit.postgres import AS_IT_COMES, own_server
from tests.kit.records import ROOT_SECRET

PAGE_MS: Final = 300.0
ROUNDS: Final = 9  # of two cores that others use, too: three were too few to tell 200 ms from 300
FILL_S: Final = 3_600.0  # one statement of the filling

Ask = Callable[[Records], Awaitable[object]]
Fill = Callable[[Records], Awaitable[None]]


class Asked(NamedTuple):
    """What a page or chart asks, and how long it took."""

    what: str
    ms: float


def rows_of_pages(engine: str, of_what: str, fill: Fill, questions: Mapping[str, Ask]) -> list[Row]:
    """The slowest decides, and all are in the report."""
    with place_for_many(engine) as place:
        asked = asyncio.run(_measured(place, fill, questions))
    slowest = max(asked, key=lambda one: one.ms)
    each = "; ".join(f"{one.what} {one.ms:.0f}" for one in asked)
    return [
        Row(
            f"{len(asked)} lists and charts of {of_what}, {engine}",
            f"each < {PAGE_MS:.0f} ms",
            f"slowest: {slowest.what}, {slowest.ms:.0f} ms (ms of each: {each})",
            slowest.ms < PAGE_MS,
        )
    ]


@contextlib.contextmanager
def place_for_many(engine: str) -> Iterator[Place]:
    """PostgreSQL has the memory that it comes with."""
    if engine == "postgres":
        with own_server(is_durable=False, buffers=AS_IT_COMES) as server:
            yield postgres_place(server)
        return
    with tempfile.TemporaryDirectory(prefix="propylon-soak-") as folder:
        yield SqlitePlace(Path(folder))


async def filled(place: Place, *fills: Fill, root_secret: RootSecret = ROOT_SECRET) -> None:
    """With tables and what each of them makes."""
    async with records_at(place, root_secret, timeout_s=FILL_S) as records:
        for fill in fills:
            await fill(records)


async def _measured(place: Place, fill: Fill, questions: Mapping[str, Ask]) -> list[Asked]:
    """The median of some rounds of each."""
    await filled(place, fill)
    async with records_at(place) as records:
        return [Asked(what, await _ms(records, ask)) for what, ask in questions.items()]


async def _ms(records: Records, ask: Ask) -> float:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await ask(records)
        took.append((time.perf_counter() - began) * 1e3)
    return sorted(took)[ROUNDS // 2]
