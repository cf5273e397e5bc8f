"""RandomWorld: a seed says everything, and what it makes is read."""

import asyncio

from tests.kit.memory_records import MemoryRecords
from tests.kit.random_world import APIS, RandomWorld

NOW = 1_800_000_000.0


def test_a_seed_makes_the_same_world_again() -> None:
    first, second, other = (RandomWorld(seed, NOW) for seed in (1, 1, 2))
    targets = [[world.request()[:2] for _ in range(20)] for world in (first, second, other)]
    assert targets[0] == targets[1] != targets[2]


def test_a_world_holds_every_api() -> None:
    records = MemoryRecords()
    RandomWorld(1, NOW).fill(records)
    assert {row.id for row in asyncio.run(records.apis())} == set(APIS)
