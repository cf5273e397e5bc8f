"""Exchanges that have ended, and a queue in memory that can be away."""

from collections.abc import Sequence

from propylon.errors import Denial, MetersFull, StoreUnavailable
from propylon.exchange import NO_API, ApiFacts, Caller, Exchange, Identity
from propylon.http.messages import RequestHead
from propylon.model.effective import EffectiveSession
from propylon.model.session_record import Session, root_limit
from propylon.stores.ports import UsageBatch
from propylon.usage.line import Line, parse


def caller(record: str, name: str = "", tags: tuple[str, ...] = ()) -> Caller:
    identity = Identity(record, "token", "acme", "f" * 64, name)
    session = Session(tags=tags)
    return Caller(identity, EffectiveSession(session, (), {}, root_limit(session), ()), (), b"")


def exchange(
    api_id: str = "orders",
    record: str = "k1",
    status: int = 200,
    *,
    reason: str = "",
    started: float = 1_000.0,
    path: str = "/orders/1",
    name: str = "",
    endpoint: str = "",
    tags: tuple[str, ...] = (),
    facts: ApiFacts = NO_API,
) -> Exchange:
    head = RequestHead(b"")
    head.method, head.path = "GET", path
    ended = Exchange(head, "203.0.113.7", "203.0.113.7", started, peer_trusted=False)
    ended.api_id, ended.status, ended.endpoint = api_id, status, endpoint
    ended.body_in, ended.body_out = 10, 100
    ended.api_facts = facts
    ended.caller = caller(record, name, tags) if record else None
    ended.denial = Denial(reason, status, "no") if reason else None
    return ended


def forwarded(ended: Exchange, upstream_s: float, gateway_s: float) -> Exchange:
    """Its upstream was asked; the head of the answer left when both had taken their time."""
    ended.asked_at = ended.started + gateway_s / 2
    ended.answered_at = ended.asked_at + upstream_s
    ended.replied_at = ended.answered_at + gateway_s / 2
    return ended


class QueueInMemory:
    """Of the Meters, what usage needs. `away` fails every call; a line above `line_max_bytes` never fits."""

    def __init__(self, line_max_bytes: int = 10**9) -> None:
        self.lines: list[bytes] = []
        self.first = 1
        self.dropped = 0
        self.away = False
        self._line_max_bytes = line_max_bytes

    async def enqueue(self, lines: Sequence[bytes]) -> None:
        if self.away:
            raise StoreUnavailable("away")
        if any(len(line) > self._line_max_bytes for line in lines):
            raise MetersFull("too large")
        self.lines += lines

    async def peek(self, limit: int) -> UsageBatch:
        return UsageBatch("an epoch", self.first, self.lines[:limit], self.dropped)

    async def discard(self, epoch: str, upto: int) -> None:
        if self.away:
            raise StoreUnavailable("away")
        gone = max(0, min(upto - self.first, len(self.lines)))
        del self.lines[:gone]
        self.first += gone

    def parsed(self) -> list[Line]:
        return [parse(line) for line in self.lines]
