"""What a write changed holds for every request that starts after its answer: none is decided on the old state."""

import asyncio
import json
import time
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, NamedTuple

from bench.soak.row import Row, Size, counts, soaked
from tests.kit.connection import Connection
from tests.kit.definitions import policy, session
from tests.kit.gateway import Gateway
from tests.kit.load import Outcome, by_status, get_request, load, request_bytes
from tests.kit.scenarios import put_key
from tests.kit.tokens import hs256

CONNECTIONS = 8
SECRETS = ("the-first-secret-of-32-characters", "the-other-secret-of-32-characters")
TOKENS = ["Bearer " + hs256({"sub": "x"}, secret, kid="signer") for secret in SECRETS]


class Span(NamedTuple):
    """From the answer of one write to the sending of the next: what every request within it must get."""

    began: float
    ended: float
    status: int


def revocation(size: Size) -> list[Row]:
    rounds = size.of(2000, least=20)
    with soaked() as gateway:
        put_key(gateway, "steady")
        assert gateway.api("POST", "/tyk/policies", policy("wanted", "token")).status == 200
        assert (
            gateway.api("POST", "/tyk/keys/by-policy", {"org_id": "default", "apply_policies": ["wanted"]}).status
            == 200
        )
        assert gateway.api("POST", "/tyk/keys/signer", session("jwt", jwt_data={"secret": SECRETS[1]})).status == 200
        found = asyncio.run(_Rounds(gateway).run(rounds))
    return [_asked_row(rounds, found), _steady_row(found)]


def _asked_row(rounds: int, found: "_Rounds") -> Row:
    stale = f": {found.stale[:3]}" if found.stale else ""
    return Row(
        f"{rounds} rounds of key made, key deleted, policy edited, secret changed; {CONNECTIONS} connections",
        "no answer after a write rests on what was before it",
        f"{found.writes:,} writes, {found.asked:,} requests after them, {len(found.stale)} stale{stale}",
        not found.stale,
    )


def _steady_row(found: "_Rounds") -> Row:
    judged, stale = judge(found.on_and_off, found.spans)
    others = by_status(found.steady)
    return Row(
        "the same while 4 clients ask for the key that comes and goes, and 4 for another, all the time",
        "requests wholly between two writes get the one answer; the other key always 200",
        f"{judged:,} between two writes, {stale} stale; the other key {counts(others)}",
        judged > 0 and stale == 0 and set(others) == {200},
    )


def judge(outcomes: Sequence[Outcome], spans: Sequence[Span]) -> tuple[int, int]:
    """Requests that lie in a span with both ends, and how many of them got another answer."""
    begins = [span.began for span in spans]
    judged = stale = 0
    for outcome in outcomes:
        at = bisect_left(begins, outcome.started) - 1
        if at >= 0 and outcome.ended < spans[at].ended:
            judged += 1
            stale += outcome.status != spans[at].status
    return judged, stale


class _Rounds:
    """One run: what was written, asked and found."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.writes = 0
        self.asked = 0
        self.stale: list[str] = []
        self.spans: list[Span] = []
        self.on_and_off: list[Outcome] = []
        self.steady: list[Outcome] = []
        self._span_began = 0.0

    async def run(self, rounds: int) -> "_Rounds":
        port = self._gateway.port
        self._desk = await Connection.open(port)
        self._clients = [await Connection.open(port) for _ in range(CONNECTIONS)]
        writing = asyncio.ensure_future(self._write(rounds))
        comes_and_goes = get_request("/token/x", {"Authorization": "on-and-off"})
        stays = get_request("/token/x", {"Authorization": "steady"})
        await asyncio.gather(
            writing,
            load(port, comes_and_goes, connections=4, until=writing.done, pause_s=0.005, into=self.on_and_off),
            load(port, stays, connections=4, until=writing.done, pause_s=0.01, into=self.steady),
        )
        for connection in [self._desk, *self._clients]:
            connection.close()
        return self

    async def _write(self, rounds: int) -> None:
        for number in range(rounds):
            await self._toggle("POST", 403)
            await self._expect("made key", "on-and-off", 200)
            await self._toggle("DELETE", 200)
            await self._expect("deleted key", "on-and-off", 403)
            api_id, expected = (("jwt", 403), ("token", 200))[number % 2]
            await self._put("/tyk/policies/wanted", policy("wanted", api_id))
            await self._expect("edited policy", "by-policy", expected)
            now = number % 2
            await self._put("/tyk/keys/signer", session("jwt", jwt_data={"secret": SECRETS[now]}))
            await self._expect("new secret", TOKENS[now], 200, "/jwt/x")
            await self._expect("old secret", TOKENS[1 - now], 403, "/jwt/x")

    async def _toggle(self, method: str, status_before: int) -> None:
        """The key that comes and goes; a span ends before the write is sent and the next begins with its answer."""
        if self._span_began:
            self.spans.append(Span(self._span_began, time.monotonic(), status_before))
        await self._put("/tyk/keys/on-and-off", session("token") if method == "POST" else None, method)
        self._span_began = time.monotonic()

    async def _put(self, path: str, document: Any, method: str = "PUT") -> None:
        body = b"" if document is None else json.dumps(document).encode()
        answer = await self._desk.ask(request_bytes(method, path, {"X-Tyk-Authorization": self._gateway.secret}, body))
        assert answer.status == 200, answer
        self.writes += 1

    async def _expect(self, what: str, credential: str, status: int, path: str = "/token/x") -> None:
        request = get_request(path, {"Authorization": credential})
        answers = await asyncio.gather(*(client.ask(request) for client in self._clients))
        self.asked += len(answers)
        self.stale += [f"{what}: {answer.status}" for answer in answers if answer.status != status]
