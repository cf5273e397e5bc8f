"""Random revokes and grants under load, workers killed and stopped: each request is held against the history of writes.

A thing is something a request rests on: a key, a generation of its ring, its policy, an identity, an issuer's key set,
an API, a revocation. Each is taken away and given back at random times (`history_things`, `history_rings`,
`history_key_sets`); what is right meanwhile, and which requests are judged, is `history_run`.
"""

import asyncio
import base64
import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bench.soak.history_key_sets import KeySet, running_issuers
from bench.soak.history_rings import SecretRing, TokenRing
from bench.soak.history_run import Run, Tally, Thing
from bench.soak.history_things import put, toggled
from bench.soak.processes import workers
from bench.soak.row import Row, Size, counts, soaked
from tests.kit.definitions import jwt_api, policy
from tests.kit.gateway import Gateway
from tests.kit.tokens import SECRET as SHARED_SECRET

JUDGED = 100_000
WITHIN_S = 240.0  # on a slow machine fewer requests are judged, and the row says how many
HARM_S = 3.0  # between two kills or stops
STOPPED_S = 1.5  # shorter than worker_stall_s: it comes back and must not serve what it knew
SETTINGS = {"workers": 3, "allow_insecure_jwks": True}


def history(size: Size) -> list[Row]:
    with running_issuers(size.seed) as key_sets:

        def more_apis(url: str) -> list[dict[str, Any]]:
            return [_shared(url), *(one.definition(url) for one in key_sets)]

        with soaked(SETTINGS, more_apis) as gateway:
            things = _things(gateway, key_sets)
            found = asyncio.run(_History(gateway, size).run(things))
    return [_row(kind, tally) for kind, tally in found.tallies.items()] + [found.total()]


def _shared(url: str) -> dict[str, Any]:
    source = base64.b64encode(SHARED_SECRET.encode()).decode()
    return jwt_api(url, "shared", jwt_source=source, jwt_identity_base_field="sub", jwt_default_policies=["steady"])


def _things(gateway: Gateway, key_sets: Sequence[KeySet]) -> list[Thing]:
    put(gateway, "/tyk/policies", policy("steady", "shared", *(one.api_id for one in key_sets)))
    return [*toggled(gateway), SecretRing(gateway), TokenRing(gateway), *key_sets]


class _History:
    """A run, and the harm that is done to the workers meanwhile."""

    def __init__(self, gateway: Gateway, size: Size) -> None:
        self._gateway = gateway
        self._wanted = size.of(JUDGED, least=2000)
        self._within_s = size.seconds(WITHIN_S, least=60.0)
        self._run = Run(gateway, size.seed)
        self._harm: Counter[str] = Counter()

    @property
    def tallies(self) -> dict[str, Tally]:
        return self._run.tallies

    async def run(self, things: list[Thing]) -> "_History":
        ends = time.monotonic() + self._within_s
        await asyncio.gather(
            self._harm_workers(),
            self._run.live(things, lambda: self._is_enough or time.monotonic() > ends),
        )
        return self

    def total(self) -> Row:
        writes = sum(tally.writes for tally in self.tallies.values())
        of_each = ", ".join(f"{kind} {tally.writes:,}" for kind, tally in self.tallies.items())
        asked = sum(tally.answers.total() for tally in self.tallies.values())
        stale = sum(tally.stale for tally in self.tallies.values())
        return Row(
            "all of these at once",
            f"0 stale of at least {self._wanted:,} judged requests, some of every kind both while it was given and "
            "while it was taken; workers killed and stopped meanwhile",
            f"{stale} stale of {self._run.judged:,} judged, of {asked:,} requests; {writes:,} writes ({of_each}); "
            f"never judged on both sides: {', '.join(self._unjudged) or 'none'}; workers {dict(self._harm)}",
            self._is_enough and stale == 0,
        )

    @property
    def _is_enough(self) -> bool:
        return self._run.judged >= self._wanted and not self._unjudged and bool(self._harm)

    @property
    def _unjudged(self) -> list[str]:
        return [kind for kind, tally in self.tallies.items() if not tally.is_whole]

    async def _harm_workers(self) -> None:
        while not self._run.is_over:
            await asyncio.sleep(HARM_S)
            running = workers(self._gateway)
            if len(running) < 2:
                continue
            victim, kills = self._run.chance.choice(running), self._run.chance.random() < 0.5
            with contextlib.suppress(ProcessLookupError):  # it ended by itself
                os.kill(victim, signal.SIGKILL if kills else signal.SIGSTOP)
                self._harm["killed" if kills else "stopped"] += 1
                if not kills:
                    await asyncio.sleep(STOPPED_S)
                    os.kill(victim, signal.SIGCONT)


def _row(kind: str, tally: Tally) -> Row:
    stale = f"{tally.stale} stale" + (f" ({'; '.join(tally.told)})" if tally.told else "")
    return Row(
        f"{kind}: given and taken at random",
        "no request that lies between two writes was decided by the state before them; some judged on both sides",
        f"{tally.writes:,} writes, {sum(tally.judged.values()):,} requests judged ({tally.judged[True]:,} while given, "
        f"{tally.judged[False]:,} while taken), {stale}; answers {counts(tally.answers)}",
        tally.is_whole and tally.stale == 0,
    )
