"""Random revokes and grants under load, workers killed and stopped: each request is held against the history of writes.

A thing is something a request rests on: a key, a generation of its ring, a policy, an API, a revocation.
Each is taken away and given back at random times; between the answer of one write and the sending of the next there is
one right answer, and a request that lies in such a span with both ends must have got it.
"""

import asyncio
import base64
import contextlib
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from bench.soak.processes import workers
from bench.soak.revocation import Span, judge
from bench.soak.row import Row, Size, counts, soaked
from tests.kit.connection import Connection, NoAnswer
from tests.kit.definitions import jwt_api, policy, session, token_api
from tests.kit.gateway import Gateway
from tests.kit.load import Outcome, by_status, get_request, load, request_bytes
from tests.kit.tokens import hs256

REQUESTS = 100_000
WITHIN_S = 240.0  # on a slow machine fewer requests are sent, and the row says how many
CONNECTIONS_EACH = 2
QUIET_S = (0.02, 0.3)  # between two writes of one thing
HARM_S = 3.0  # between two kills or stops
STOPPED_S = 1.5  # shorter than worker_stall_s: it comes back and must not serve what it knew
RETRY_S = 0.05
GRANTED = 200
REFUSED = 403  # stands for every way of not being let in
SECRET = "the-first-secret-of-32-characters"
OTHER_SECRET = "the-other-secret-of-32-characters"
SHARED_SECRET = "a-shared-secret-of-32-characters"
NOT_DECIDED = (503, 0, -1)  # no decision about the caller, or no answer


class Write(NamedTuple):
    method: str
    path: str
    body: Any = None


class Thing(NamedTuple):
    """`grant` and `revoke` may be repeated: a worker may die with the answer of one."""

    name: str
    path: str
    credential: str
    grant: Write
    revoke: Write


def history(size: Size) -> list[Row]:
    with soaked({"workers": 3}, _more_apis) as gateway:
        things = _things(gateway)
        found = asyncio.run(_History(gateway, things, size).run())
    return [found.row(thing) for thing in things] + [found.total()]


def _more_apis(url: str) -> list[dict[str, Any]]:
    source = base64.b64encode(SHARED_SECRET.encode()).decode()
    shared = jwt_api(url, "shared", jwt_source=source, jwt_identity_base_field="sub", jwt_default_policies=["steady"])
    return [shared]


def _things(gateway: Gateway) -> list[Thing]:
    def put(path: str, body: Any) -> None:
        answer = gateway.api("POST", path, body)
        assert answer.status == GRANTED, (path, answer)

    put("/tyk/policies", policy("steady", "shared"))
    put("/tyk/policies", policy("moving", "token"))
    put("/tyk/keys/a-key", session("token"))
    put("/tyk/keys/by-policy", {"org_id": "default", "apply_policies": ["moving"]})
    put("/tyk/keys/signer", session("jwt", jwt_data={"secret": SECRET}))
    put("/tyk/keys/revoked-by-jti", session("jwt", jwt_data={"secret": SECRET}))
    put("/tyk/keys/suspended", session("token"))
    put("/tyk/keys/named", session("token"))
    target = json.loads(gateway.api("GET", "/tyk/apis/token").body)["proxy"]["target_url"]
    api = token_api(target, "comes-and-goes")
    put("/tyk/apis", api)
    put("/tyk/keys/of-the-api", session("comes-and-goes"))
    jwt = "Bearer " + hs256({"sub": "x"}, SECRET, kid="signer")
    with_jti = "Bearer " + hs256({"sub": "x", "jti": "j-1"}, SECRET, kid="revoked-by-jti")
    subject = "Bearer " + hs256({"sub": "somebody"}, SHARED_SECRET)
    return [
        Thing(
            "key",
            "/token/",
            "a-key",
            Write("POST", "/tyk/keys/a-key", session("token")),
            Write("DELETE", "/tyk/keys/a-key"),
        ),
        Thing(
            "policy",
            "/token/",
            "by-policy",
            Write("PUT", "/tyk/policies/moving", policy("moving", "token")),
            Write("PUT", "/tyk/policies/moving", policy("moving", "jwt")),
        ),
        Thing(
            "secret",
            "/jwt/",
            jwt,
            Write("PUT", "/tyk/keys/signer", session("jwt", jwt_data={"secret": SECRET})),
            Write("PUT", "/tyk/keys/signer", session("jwt", jwt_data={"secret": OTHER_SECRET})),
        ),
        Thing(
            "key suspended",
            "/token/",
            "suspended",
            Write("POST", "/tyk/keys/suspended/resume"),
            Write("POST", "/tyk/keys/suspended/suspend"),
        ),
        Thing(
            "revocation of a jti",
            "/jwt/",
            with_jti,
            Write("DELETE", "/tyk/revocations/jti/j-1"),
            Write("POST", "/tyk/revoke", {"jti": "j-1"}),
        ),
        Thing(
            "revocation of a subject",
            "/shared/",
            subject,
            Write("DELETE", "/tyk/revocations/subject/somebody"),
            Write("POST", "/tyk/revoke", {"subject": "somebody"}),
        ),
        Thing(
            "revocation of a key",
            "/token/",
            "named",
            Write("DELETE", "/tyk/revocations/key/named"),
            Write("POST", "/tyk/revoke", {"key": "named"}),
        ),
        Thing(
            "API",
            "/comes-and-goes/",
            "of-the-api",
            Write("POST", "/tyk/apis", api),
            Write("DELETE", "/tyk/apis/comes-and-goes"),
        ),
    ]


class _History:
    """One run."""

    def __init__(self, gateway: Gateway, things: list[Thing], size: Size) -> None:
        self._gateway = gateway
        self._things = things
        self._requests = size.of(REQUESTS, least=2000)
        self._chance = random.Random(size.seed)
        self._spans: dict[str, list[Span]] = {thing.name: [] for thing in things}
        self._outcomes: dict[str, list[Outcome]] = {thing.name: [] for thing in things}
        self._writes = 0
        self._harm: Counter[str] = Counter()

    async def run(self) -> "_History":
        ends = time.monotonic() + WITHIN_S

        def enough() -> bool:
            return self._asked() >= self._requests or time.monotonic() > ends

        await asyncio.gather(
            self._harm_workers(enough),
            *(self._write(thing, enough) for thing in self._things),
            *(self._ask(thing, enough) for thing in self._things),
        )
        return self

    def row(self, thing: Thing) -> Row:
        decided = [outcome for outcome in self._outcomes[thing.name] if outcome.status not in NOT_DECIDED]
        outcomes = [one._replace(status=GRANTED if one.status == GRANTED else REFUSED) for one in decided]
        spans = self._spans[thing.name]
        judged, stale = judge(outcomes, spans)
        return Row(
            f"{thing.name}: given and taken at random",
            "no request that lies between two writes was decided by the state before them",
            f"{len(spans):,} writes, {judged:,} requests between two, {stale} stale; "
            f"{counts(by_status(self._outcomes[thing.name]))}",
            judged > 0 and stale == 0,
        )

    def total(self) -> Row:
        return Row(
            "all of these at once",
            f"at least {self._requests:,} requests, workers killed and stopped meanwhile",
            f"{self._asked():,} requests, {self._writes:,} writes; workers {dict(self._harm)}",
            self._asked() >= self._requests and bool(self._harm),
        )

    def _asked(self) -> int:
        return sum(map(len, self._outcomes.values()))

    async def _ask(self, thing: Thing, enough: Callable[[], bool]) -> None:
        request = get_request(thing.path, {"Authorization": thing.credential})
        await load(
            self._gateway.port,
            request,
            connections=CONNECTIONS_EACH,
            until=enough,
            into=self._outcomes[thing.name],
        )

    async def _write(self, thing: Thing, enough: Callable[[], bool]) -> None:
        desk = _Desk(self._gateway)
        granted, began = True, time.monotonic()
        while not enough():
            await asyncio.sleep(self._chance.uniform(*QUIET_S))
            status = GRANTED if granted else REFUSED
            self._spans[thing.name].append(Span(began, time.monotonic(), status))
            granted = not granted
            await desk.write(thing.grant if granted else thing.revoke)
            self._writes += 1
            began = time.monotonic()
        desk.close()

    async def _harm_workers(self, enough: Callable[[], bool]) -> None:
        while not enough():
            await asyncio.sleep(HARM_S)
            running = workers(self._gateway)
            if len(running) < 2:
                continue
            victim, kills = self._chance.choice(running), self._chance.random() < 0.5
            with contextlib.suppress(ProcessLookupError):  # it ended by itself
                os.kill(victim, signal.SIGKILL if kills else signal.SIGSTOP)
                self._harm["killed" if kills else "stopped"] += 1
                if not kills:
                    await asyncio.sleep(STOPPED_S)
                    os.kill(victim, signal.SIGCONT)


class _Desk:
    """Whoever writes: asks again when the worker that passed the write on was killed."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._connection: Connection | None = None

    async def write(self, write: Write) -> None:
        body = b"" if write.body is None else json.dumps(write.body).encode()
        request = request_bytes(write.method, write.path, {"X-Tyk-Authorization": self._gateway.secret}, body)
        while True:
            try:
                if self._connection is None or not self._connection.is_open:
                    self._connection = await Connection.open(self._gateway.port)
                answer = await self._connection.ask(request)
            except (OSError, NoAnswer):
                await asyncio.sleep(RETRY_S)
                continue
            if answer.status == 200 or (write.method == "DELETE" and answer.status == 404):
                return
            assert answer.status == 503, (write, answer)
            await asyncio.sleep(RETRY_S)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
