"""What a scenario gets and gives: its size and seed in, rows of the report out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from bench.soak.origin import running_origin
from tests.kit.definitions import jwt_api, token_api
from tests.kit.gateway import Gateway, running_gateway


class Size(NamedTuple):
    """How much of the full scenario runs, and what its chance begins with."""

    scale: float
    seed: int

    def of(self, full: int, least: int = 1) -> int:
        return max(least, round(full * self.scale))

    def seconds(self, full: float, least: float = 1.0) -> float:
        return max(least, full * self.scale)


class Row(NamedTuple):
    """One line of the report."""

    what: str
    required: str
    measured: str
    held: bool


Scenario = Callable[[Size], list[Row]]


@contextmanager
def soaked(
    settings: Mapping[str, Any] | None = None, more_apis: Callable[[str], Sequence[Mapping[str, Any]]] = lambda url: ()
) -> Iterator[Gateway]:
    """A gateway of two workers with the APIs `token` and `jwt`, and what is made for the origin's URL."""
    with running_origin() as url:
        definitions = [token_api(url), jwt_api(url), *more_apis(url)]
        with running_gateway(definitions, settings={"workers": 2} | dict(settings or {})) as gateway:
            yield gateway


def counts(by_status: Mapping[int, int]) -> str:
    names = {0: "unanswered", -1: "unsent"}
    return ", ".join(f"{names.get(status, status)}: {number:,}" for status, number in by_status.items()) or "none"
