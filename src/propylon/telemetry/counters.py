"""What one worker counts about itself, as plain numbers that cost nothing to raise. `metrics.py` shows them."""

from dataclasses import asdict, dataclass
from typing import Final, Literal, NamedTuple


@dataclass(slots=True)
class Counters:
    """One per worker; travels with its usage each second."""

    worker: int  # its slot, which a successor takes over
    cached_keys: int = 0
    token_hits: int = 0
    token_misses: int = 0
    lookups: int = 0
    upstream_connects: int = 0
    upstream_reuses: int = 0
    running_exchanges: int = 0
    applied_revision: int = 0
    catch_ups: int = 0
    key_set_fetches: int = 0
    key_set_failures: int = 0

    def values(self) -> dict[str, int]:
        return asdict(self)


class Meaning(NamedTuple):
    """How a number of a worker is shown."""

    kind: Literal["counter", "gauge"]
    text: str


MEANINGS: Final = {
    "cached_keys": Meaning("gauge", "Keys the worker has at hand."),
    "token_hits": Meaning("counter", "Tokens found among those verified before."),
    "token_misses": Meaning("counter", "Tokens whose signature was checked."),
    "lookups": Meaning("counter", "Keys read from the records."),
    "upstream_connects": Meaning("counter", "Connections opened to upstreams."),
    "upstream_reuses": Meaning("counter", "Requests sent on an upstream connection that was there."),
    "running_exchanges": Meaning("gauge", "Exchanges that have not ended."),
    "applied_revision": Meaning("gauge", "Revision of the records that the worker serves."),
    "catch_ups": Meaning("counter", "Times the worker took over changes."),
    "key_set_fetches": Meaning("counter", "Key sets asked of issuers."),
    "key_set_failures": Meaning("counter", "Of those, how many brought none that could be used."),
    "usage_lines_lost": Meaning("counter", "Lines of usage lost while the queue could not take them."),
}
