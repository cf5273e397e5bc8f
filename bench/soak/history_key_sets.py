"""Key sets that `history` changes: an issuer that publishes one of its two keys, in turn, as it does when it rotates.

What is promised of a key set is less than of a record, so this is what is judged:

- A set that changes at its issuer counts when it is fetched again: by its age (`jwks_cache_min_s` to
  `jwks_cache_max_s`), or for a token with a `kid` that it lacks. Nothing is judged before somebody says so.
- `DELETE /tyk/cache/jwks/{api}` is that word, and live when answered: no token of a key that has left the set is let in
  by a request sent after it, on any worker, also not where its signature has been checked before.
- A key that has joined the set counts when the set has been fetched, which one worker does when a token needs it, once
  in 10 s (twice more in 10 minutes); till then it is refused as `jwks_unavailable`. So a grant has no moment of its
  own. It must come within GRANT_S, and the first request it lets in is its moment: from then on all are let in, on
  every worker, as they share the set.

The budget of fetches is each issuer's own. There are several, as each allows no more than about six writes a minute.
They are slow, and half of the writes are made while one of them answers: the set as it was before the write arrives
after it, and must not count.
"""

import asyncio
import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count, cycle
from typing import Any

from joserfc.jwk import ECKey

from bench.soak.history_run import LOOK_S, Stage, Watch, Write
from tests.kit.answers import Call, reply
from tests.kit.definitions import jwt_api
from tests.kit.issuer import Issuer
from tests.kit.tokens import Key, public_jwk, sign

ISSUERS = 4
GRANT_S = 45.0  # two turns of the budget, a lease whose worker was killed, and a slow machine
SLOW_S = 1.0  # that an issuer takes at most to answer; longer than a write
FETCH_S = 15.0  # within which a token whose kid is new should have the set fetched, budget and all
KIDS = ("odd", "even")


class KeySet:
    """One issuer, the API that takes its tokens, and its two keys: a write takes one out and puts the other one in."""

    kind = "key of an issuer's set"

    def __init__(self, api_id: str, issuer: Issuer, seed: int) -> None:
        self.api_id = api_id
        self._path = f"/{api_id}/"
        self._issuer = issuer
        self._keys = dict(issuer.keys)
        self._strays = count()
        self._chance = random.Random(seed)
        self._answering = 0
        issuer.answer = self._answer

    def definition(self, target: str) -> dict[str, Any]:
        issuer = {"issuer": self._issuer.url, "jwks_uri": self._issuer.keys_url}
        members = {"jwt_signing_method": "ecdsa", "jwt_issuers": [issuer], "jwt_default_policies": ["steady"]}
        return jwt_api(target, self.api_id, **members)

    async def live(self, stage: Stage) -> None:
        watches = {kid: stage.watch_later(self._path, self._credential(kid, key)) for kid, key in self._keys.items()}
        for kid in cycle(KIDS):
            await self._publish(stage, watches, kid)
            if stage.is_over:
                return
            await (stage.pause() if self._chance.random() < 0.5 else self._until_answering(stage))

    async def _publish(self, stage: Stage, watches: Mapping[str, Watch], kid: str) -> None:
        """That key and not the other one."""
        for watch in watches.values():
            watch.end()
        self._issuer.rotate(**{kid: self._keys[kid]})
        await stage.write(Write("DELETE", f"/tyk/cache/jwks/{self.api_id}"))
        for other in watches.keys() - {kid}:
            watches[other].begin(granted=False)
        await _come_into_force(stage, watches[kid])

    async def _until_answering(self, stage: Stage) -> None:
        """A kid that nobody has asked for has the set fetched as soon as the budget allows."""
        stray = self._credential(f"stray-{next(self._strays)}", self._keys[KIDS[0]])
        watch = stage.watch(self._path, stray, granted=False)
        gives_up = time.monotonic() + FETCH_S
        while not self._answering:
            await asyncio.sleep(LOOK_S)
            if stage.is_over or time.monotonic() > gives_up:
                break
        watch.leave()

    def _credential(self, kid: str, key: Key) -> str:
        return "Bearer " + sign({"iss": self._issuer.url, "sub": "of-an-issuer"}, key, "ES256", kid=kid)

    async def _answer(self, call: Call) -> None:
        """On the issuer's thread."""
        keys = [public_jwk(key, kid=kid) for kid, key in self._issuer.keys.items()]
        self._answering += 1
        try:
            await asyncio.sleep(self._chance.uniform(0.0, SLOW_S))
        finally:
            self._answering -= 1
        await reply(200, json.dumps({"keys": keys}).encode())(call)


@contextmanager
def running_issuers(seed: int) -> Iterator[Sequence[KeySet]]:
    with ExitStack() as stack:
        issuers = [Issuer(**{kid: ECKey.generate_key("P-256") for kid in KIDS}) for _ in range(ISSUERS)]
        for issuer in issuers:
            stack.enter_context(issuer)
        yield [KeySet(f"issued-{number}", issuer, seed + number) for number, issuer in enumerate(issuers)]


async def _come_into_force(stage: Stage, watch: Watch) -> None:
    answered = time.monotonic()
    while not stage.is_over and not watch.begin_when_let_in(answered):
        waited_s = time.monotonic() - answered
        assert waited_s < GRANT_S, f"a key that joined its issuer's set was let in by nobody within {waited_s:.0f} s"
        await asyncio.sleep(LOOK_S)
