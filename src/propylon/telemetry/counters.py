"""What one worker counts about itself, as plain numbers that cost nothing to raise. `metrics.py` shows them."""

from dataclasses import asdict, dataclass
from typing import Final, Literal, NamedTuple


@dataclass(slots=True)
class Counters:
    """One per worker; travels with its usage each second."""

    worker: int  # its slot, which a successor takes over
    exchanges: int = 0
    exchanges_per_s: float = 0.0
    running_exchanges: int = 0
    cached_keys: int = 0
    key_hits: int = 0
    lookups: int = 0
    token_hits: int = 0
    token_misses: int = 0
    upstream_connects: int = 0
    upstream_reuses: int = 0
    applied_revision: int = 0
    revision_lag: int = 0
    catch_ups: int = 0
    key_set_fetches: int = 0
    key_set_failures: int = 0
    stores_away: int = 0
    quotas_uncounted: int = 0
    outcomes_unknown: int = 0
    durability_problems: int = 0
    access_lines_lost: int = 0
    pump_records_lost: int = 0
    spans_sent: int = 0
    spans_lost: int = 0

    def values(self) -> dict[str, float]:
        return asdict(self)


class Meaning(NamedTuple):
    """How a number is shown."""

    kind: Literal["counter", "gauge"]
    text: str


MEANINGS: Final = {
    "exchanges": Meaning("counter", "Exchanges that ended."),
    "exchanges_per_s": Meaning("gauge", "Exchanges that ended, per second of the last ten."),
    "running_exchanges": Meaning("gauge", "Exchanges that have not ended."),
    "cached_keys": Meaning("gauge", "Keys the worker has at hand."),
    "key_hits": Meaning("counter", "Keys found at hand."),
    "lookups": Meaning("counter", "Keys read from the records."),
    "token_hits": Meaning("counter", "Tokens found among those verified before."),
    "token_misses": Meaning("counter", "Tokens whose signature was checked."),
    "upstream_connects": Meaning("counter", "Connections opened to upstreams."),
    "upstream_reuses": Meaning("counter", "Requests sent on an upstream connection that was there."),
    "applied_revision": Meaning("gauge", "Revision of the records that the worker serves."),
    "revision_lag": Meaning("gauge", "Revisions between the newest one it knows of and the one it serves."),
    "catch_ups": Meaning("counter", "Times the worker took over changes."),
    "key_set_fetches": Meaning("counter", "Key sets asked of issuers."),
    "key_set_failures": Meaning("counter", "Of those, how many brought none that could be used."),
    "stores_away": Meaning("gauge", "1 while a store does not answer and the node counts by itself."),
    "quotas_uncounted": Meaning("counter", "Charges on quotas let through while they could not be counted."),
    "outcomes_unknown": Meaning("counter", "Charges of which nobody knows whether they were made."),
    "durability_problems": Meaning("gauge", "Reasons why the meters may forget what they were told."),
    "usage_lines_waiting": Meaning("gauge", "Lines of usage in the worker, not taken by the queue yet."),
    "usage_lines_lost": Meaning("counter", "Lines of usage lost while the queue could not take them."),
    "usage_tags_other": Meaning("counter", "Rows of usage whose tags were counted as other, as there were too many."),
    "recordings_not_kept": Meaning("counter", "Exchanges to be recorded whole of which the log keeps no recording."),
    "access_lines_lost": Meaning("counter", "Lines of the access log lost as nobody took them."),
    "pump_records_lost": Meaning("counter", "Records of exchanges that Tyk's pump did not take in time."),
    "spans_sent": Meaning("counter", "Spans the collector took."),
    "spans_lost": Meaning("counter", "Spans lost, as it did not or there were too many."),
}

MEANINGS_OF_CONTROL: Final = {
    "leads": Meaning("gauge", "1 in the control process that does what is done once for all."),
    "records_away": Meaning("gauge", "1 while the records do not answer."),
    "meters_away": Meaning("gauge", "1 while the meters do not answer."),
    "newest_revision": Meaning("gauge", "Newest revision of the records."),
    "head_revision": Meaning("gauge", "Newest revision that the workers can know of."),
    "durability_problems": Meaning("gauge", "Reasons why the meters may forget what they were told."),
    "usage_lines_waiting": Meaning("gauge", "Lines in the queue of usage when it was last looked at."),
    "sealed_with_other": Meaning("gauge", "Keys, APIs and policies that root_secret_other has sealed."),
}
