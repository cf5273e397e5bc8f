"""Random revokes and grants under load, workers killed and stopped: each request is held against the history of writes.

A thing is something a request rests on: a key, a generation of its ring, its policy, an identity, an issuer's key set,
an API, a revocation. Each is taken away and given back at random times (`history_things`, `history_rings`,
`history_key_sets`); what is right meanwhile, and which requests are judged, is `history_run`.
"""

import asyncio
import base64
import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bench.soak.history_key_sets import KeySet, running_issuers
from bench.soak.history_rings import SecretRing, TokenRing
from bench.soak.history_run import Doors, Run, Tally, Thing
from bench.soak.history_things import put, toggled
from bench.soak.processes import workers
from bench.soak.row import Row, Size, counts, soaked
from tests.kit.definitions import jwt_api, policy
from tests.kit.gateway import Gateway
from tests.kit.tokens import SECRET as SHARED_SECRET

JUDGED = 100_000
WITHIN_S = 240.0  # on a slow machine fewer requests are judged, and the row says how many
HARM_S = 3.0  # between two kills or stops
STOPPED_S = 1.5  # shorter than worker_stall_s
SETTINGS = {"workers": 3, "allow_insecure_jwks": True}


NO_LIMITS: Mapping[str, Any] = {}

Harm = Callable[[], Awaitable[str]]  # does one; its name, or nothing


def history(size: Size) -> list[Row]:
    with running_issuers(size.seed) as key_sets, soaked(SETTINGS, more_apis(key_sets)) as gateway:
        run = Run(Doors([gateway.port], [gateway]), size.seed)
        found = History(run, lambda: _harm_a_worker(gateway, run.chance))
        things = the_things(gateway, key_sets)
        asyncio.run(found.run(things, size.of(JUDGED, least=2000), size.seconds(WITHIN_S, least=60.0)))
    rows = [kind_row(kind, tally) for kind, tally in found.tallies.items()]
    return [*rows, found.total("all of these at once", "workers killed and stopped meanwhile")]


def more_apis(key_sets: Sequence[KeySet]) -> Callable[[str], list[dict[str, Any]]]:
    return lambda url: [_shared(url), *(one.definition(url) for one in key_sets)]


def _shared(url: str) -> dict[str, Any]:
    source = base64.b64encode(SHARED_SECRET.encode()).decode()
    return jwt_api(url, "shared", jwt_source=source, jwt_identity_base_field="sub", jwt_default_policies=["steady"])


def the_things(gateway: Gateway, key_sets: Sequence[KeySet], limits: Mapping[str, Any] = NO_LIMITS) -> list[Thing]:
    """`limits` are members of each session and policy."""
    put(gateway, "/tyk/policies", policy("steady", "shared", *(one.api_id for one in key_sets), **limits))
    return [*toggled(gateway, limits), SecretRing(gateway, limits), TokenRing(gateway, limits), *key_sets]


class History:
    """A run, and the harm that is done to processes meanwhile, of so many kinds at least."""

    def __init__(self, run: Run, harm: Harm, kinds: int = 1) -> None:
        self._run = run
        self._harm = harm
        self._kinds = kinds
        self._harms: Counter[str] = Counter()
        self._wanted = 0

    @property
    def tallies(self) -> dict[str, Tally]:
        return self._run.tallies

    async def run(self, things: list[Thing], wanted: int, within_s: float) -> None:
        """Until enough is judged of everything, or the time is over."""
        self._wanted = wanted
        ends = time.monotonic() + within_s
        await asyncio.gather(
            self._do_harm(), self._run.live(things, lambda: self._is_enough or time.monotonic() > ends)
        )

    def total(self, what: str, harms: str) -> Row:
        writes = sum(tally.writes for tally in self.tallies.values())
        of_each = ", ".join(f"{kind} {tally.writes:,}" for kind, tally in self.tallies.items())
        asked = sum(tally.answers.total() for tally in self.tallies.values())
        stale = sum(tally.stale for tally in self.tallies.values())
        return Row(
            what,
            f"0 stale of at least {self._wanted:,} judged requests, some of every kind both while it was given and "
            f"while it was taken; {harms}",
            f"{stale} stale of {self._run.judged:,} judged, of {asked:,} requests; {writes:,} writes ({of_each}); "
            f"never judged on both sides: {', '.join(self._unjudged) or 'none'}; {dict(self._harms)}",
            self._is_enough and stale == 0,
        )

    @property
    def _is_enough(self) -> bool:
        return self._run.judged >= self._wanted and not self._unjudged and len(self._harms) >= self._kinds

    @property
    def _unjudged(self) -> list[str]:
        return [kind for kind, tally in self.tallies.items() if not tally.is_whole]

    async def _do_harm(self) -> None:
        while not self._run.is_over:
            await asyncio.sleep(HARM_S)
            if done := await self._harm():
                self._harms[done] += 1


async def _harm_a_worker(gateway: Gateway, chance: random.Random) -> str:
    running = workers(gateway)
    if len(running) < 2:
        return ""
    victim, kills = chance.choice(running), chance.random() < 0.5
    return await (kill_a_worker(victim) if kills else stop_a_worker(victim))


async def kill_a_worker(victim: int) -> str:
    with contextlib.suppress(ProcessLookupError):  # it ended by itself
        os.kill(victim, signal.SIGKILL)
        return "worker killed"
    return ""


async def stop_a_worker(victim: int) -> str:
    """For a while: it comes back and must not serve what it knew."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(victim, signal.SIGSTOP)
        await asyncio.sleep(STOPPED_S)
        os.kill(victim, signal.SIGCONT)
        return "worker stopped"
    return ""


def kind_row(kind: str, tally: Tally) -> Row:
    stale = f"{tally.stale} stale" + (f" ({'; '.join(tally.told)})" if tally.told else "")
    return Row(
        f"{kind}: given and taken at random",
        "no request that lies between two writes was decided by the state before them; some judged on both sides",
        f"{tally.writes:,} writes, {sum(tally.judged.values()):,} requests judged ({tally.judged[True]:,} while given, "
        f"{tally.judged[False]:,} while taken), {stale}; answers {counts(tally.answers)}",
        tally.is_whole and tally.stale == 0,
    )
