"""The beginning of a body is copied as it passes, and the body passes as it was."""

import asyncio

import pytest

from propylon.http.first_bytes import FirstBytes


@pytest.mark.parametrize(
    ("max_bytes", "pieces", "kept"),
    [
        (4, [], b""),
        (4, [b"", b"ab"], b"ab"),
        (4, [b"ab", b"cd"], b"abcd"),
        (4, [b"abc", b"def", b"g"], b"abcd"),
        (4, [b"abcdef", b"g"], b"abcd"),
        (0, [b"abc"], b""),
    ],
)
def test_at_most_so_many_bytes_are_kept_and_all_are_counted(max_bytes: int, pieces: list[bytes], kept: bytes) -> None:
    first = FirstBytes(max_bytes)
    for piece in pieces:
        first.add(piece)
    assert (first.kept, first.total) == (kept, sum(map(len, pieces)))


def test_a_source_gives_what_it_gave_and_what_is_no_bytes_is_not_kept() -> None:
    events: list[object] = [b"ab", "a head", b"c", None]
    given = iter(events)

    async def take() -> object:
        return next(given)

    first = FirstBytes(2)
    teed = first.tee(take)

    async def all_of_them() -> list[object]:
        return [await teed() for _ in events]

    assert asyncio.run(all_of_them()) == events
    assert (first.kept, first.total) == (b"ab", 3)
