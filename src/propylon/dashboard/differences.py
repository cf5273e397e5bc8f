"""Two JSON documents compared member by member, for people who are about to replace one by the other. Pure."""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

SHOWN_MAX: Final = 50  # of two documents; more of them nobody reads
TEXT_MAX: Final = 200  # characters of one value
ABSENT: Final = "not there"


class Difference(NamedTuple):
    path: str  # dotted
    before: str
    after: str


def differences(before: Any, after: Any) -> list[Difference]:
    """In the order of the first; the first SHOWN_MAX of them. Empty values and absent ones are alike."""
    return list(islice(_of("", before, after), SHOWN_MAX))


def _of(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if before == after or (not before and not after and not _is_told(before, after)):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in [*before, *(name for name in after if name not in before)]:
            yield from _of(f"{path}.{name}" if path else name, before.get(name), after.get(name))
    else:
        yield Difference(path, _text(before), _text(after))


def _is_told(before: Any, after: Any) -> bool:
    """False and 0 are values where the other side has one too."""
    return isinstance(before, bool | int | float) and isinstance(after, bool | int | float)


def _text(value: Any) -> str:
    if value is None:
        return ABSENT
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}…"
