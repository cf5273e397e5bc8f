"""Feeds a reader the same bytes in different pieces and demands the same events; the one way tests read events."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from propylon.errors import Failure
from propylon.http.messages import RequestHead, ResponseHead

Event = RequestHead | ResponseHead | bytes | Failure | None
Plain = dict[str, Any] | bytes | str | None  # a head's fields, a body joined, a Failure's code, END


class Reader(Protocol):
    def feed(self, data: bytes) -> Sequence[Event]: ...


def plain(events: Iterable[Event]) -> list[Plain]:
    """Events that compare by value; neighbouring body pieces become one."""
    result: list[Plain] = []
    for event in events:
        if isinstance(event, RequestHead | ResponseHead):
            result.append({name: getattr(event, name) for name in (*event.__slots__, "fields")})
        elif isinstance(event, Failure):
            result.append(event.code)
        elif event is not None and result and isinstance(result[-1], bytes):
            result[-1] += event
        else:
            result.append(event)
    return result


def fed(reader: Reader, pieces: Iterable[bytes]) -> list[Plain]:
    return plain([event for piece in pieces for event in reader.feed(piece)])


def split(data: bytes, places: Iterable[int]) -> list[bytes]:
    """The pieces of `data` cut at these places, taken modulo its length."""
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in zip(ends, ends[1:], strict=False)]


def fed_every_way(make: Callable[[], Reader], data: bytes, trailing: bytes = b"") -> list[Plain]:
    """The events of `data` fed whole, which must be those of single bytes and those before what trails."""
    whole = fed(make(), [data])
    assert fed(make(), split(data, range(len(data)))) == whole
    if trailing:
        assert fed(make(), [data + trailing])[: len(whole)] == whole
    return whole
