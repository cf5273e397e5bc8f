"""Sets of tags: each exchange counts in one, few are told apart, and what is beyond them is said."""

import asyncio

from propylon.exchange import ApiFacts
from propylon.usage.folding import TAGS_OTHER, Folding, LogLimits
from propylon.usage.tag_sets import OTHER, TAG_SETS_MAX, TAGS_MAX_BYTES, Tagged, TagSets, read_stored, stored
from tests.kit.clock import FakeClock
from tests.usage.exchanges import QueueInMemory, exchange

FACTS = ApiFacts("acme", "v1", ("eu",))


def test_a_set_has_each_tag_once_and_in_order() -> None:
    assert TagSets().bounded(1, ["gold", "eu", "gold", ""]) == ("eu", "gold")


def test_sets_beyond_the_bound_are_other_and_the_next_minute_has_room_again() -> None:
    sets = TagSets()
    for number in range(TAG_SETS_MAX):
        assert sets.bounded(1, [str(number)]) == (str(number),)
    assert sets.bounded(1, ["one more"]) == (OTHER,)
    assert sets.bounded(1, ["7"]) == ("7",)
    assert sets.others == 1
    assert sets.bounded(2, ["one more"]) == ("one more",)


def test_a_set_that_no_index_takes_or_that_could_be_read_as_another_is_other() -> None:
    assert TagSets().bounded(1, ["x" * TAGS_MAX_BYTES]) == (OTHER,)
    assert TagSets().bounded(1, ["a\nb"]) == (OTHER,)


def test_what_is_stored_is_what_is_read() -> None:
    assert [read_stored(stored(tags)) for tags in ([], ["eu"], ["eu", "gold"])] == [[], ["eu"], ["eu", "gold"]]


def test_a_line_says_the_tags_of_its_cells_and_the_facts_of_its_apis_once() -> None:
    queue = QueueInMemory()
    usage = Folding(queue, FakeClock(), LogLimits(1, 1))
    for record in ("k1", "k2", "k1"):
        usage.record(exchange(record=record, tags=("gold",), facts=FACTS))
    usage.record(exchange("bills", "k3"))
    usage.record(exchange(record="k4", facts=FACTS))
    asyncio.run(usage.flush())
    (line,) = queue.parsed()
    assert line.apis == {"orders": FACTS}
    assert line.tagged == [Tagged(["eu", "gold"], [0, 1]), Tagged(["eu"], [3])]
    assert line.gauges[TAGS_OTHER] == 0


def test_the_next_line_says_nothing_of_the_last_one() -> None:
    queue = QueueInMemory()
    usage = Folding(queue, FakeClock(), LogLimits(1, 1))
    usage.record(exchange(tags=("gold",), facts=FACTS))
    asyncio.run(usage.flush())
    usage.record(exchange("bills"))
    asyncio.run(usage.flush())
    assert (queue.parsed()[1].apis, queue.parsed()[1].tagged) == ({}, [])
