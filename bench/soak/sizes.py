"""Many keys and many APIs: what costs something once, costs a request nothing more."""

import asyncio
import json
import random
import time
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.cpu import pss_mib
from bench.soak.processes import Cost, cost_of, workers
from bench.soak.row import Row, Size, counts, soaked
from bench.stored_keys import PATTERN, store_keys, stored_name
from propylon.stores.records.engines import sqlite_url
from propylon.stores.sealing import load_or_make
from tests.kit.definitions import keyless_api
from tests.kit.gateway import Gateway
from tests.kit.load import Outcome, by_status, get_request, load
from tests.kit.scenarios import put_key

FEW_KEYS = 100
FEW_APIS = 10
CACHED_KEYS_MAX = 10  # far fewer than are asked for in turn, so that every request looks its key up
ASKED_KEYS = 100
PAGE_MS = 50.0
PSS_MIB = 40.0
FLAT = 1.3  # CPU time is counted in ticks of 10 ms and other processes share the caches: less says nothing
START_SLACK_S = 1.0
STARTS = 3
ROUNDS = 5
RELOADS = 10


class Stored(NamedTuple):
    """A gateway with so many keys."""

    gateway: Gateway
    number: int
    start_s: float
    asked: list[bytes]  # ASKED_KEYS in turn
    any_key: list[bytes]  # at random: each adds a sum to usage, too


def many_keys(size: Size) -> list[Row]:
    number, requests_each = size.of(100_000, least=5_000), size.of(10_000, least=4_000)
    with _with_keys() as few_gateway, _with_keys() as many_gateway:
        few, many = _stored(few_gateway, FEW_KEYS, size), _stored(many_gateway, number, size)
        pairs = [
            (cost_of(few.gateway, few.asked, requests_each), cost_of(many.gateway, many.asked, requests_each))
            for _ in range(ROUNDS)
        ]
        random_us = [cost_of(one.gateway, one.any_key, requests_each).cpu_us for one in (few, many)]
        pages_ms = [max(_page_ms(one, after) for after in (0, one.number // 2, one.number)) for one in (few, many)]
        memory_mib = [max(pss_mib(pid) for pid in workers(one.gateway)) for one in (few, many)]
    return [
        Row(
            f"start with {number:,} keys against {FEW_KEYS}",
            f"at most {START_SLACK_S:g} s more",
            f"{many.start_s:.2f} s against {few.start_s:.2f} s, the best of {STARTS}",
            many.start_s - few.start_s <= START_SLACK_S,
        ),
        _look_up_row(number, pairs, random_us),
        Row(
            f"a page of 100 of {number:,} keys, at begin, middle and end",
            f"≤ {PAGE_MS:.0f} ms",
            f"{pages_ms[1]:.1f} ms, against {pages_ms[0]:.1f} ms of {FEW_KEYS}",
            pages_ms[1] <= PAGE_MS,
        ),
        Row(
            f"memory (PSS) of a worker after look-ups among {number:,} keys",
            f"≤ {PSS_MIB:.0f} MiB",
            f"{memory_mib[1]:.1f} MiB, against {memory_mib[0]:.1f} MiB",
            memory_mib[1] <= PSS_MIB,
        ),
    ]


def _look_up_row(number: int, pairs: list[tuple[Cost, Cost]], random_us: list[float]) -> Row:
    ratio = _ratio(pairs)
    few, many = (median(pair[at].cpu_us for pair in pairs) for at in (0, 1))
    answers = by_status([outcome for pair in pairs for cost in pair for outcome in cost.outcomes])
    return Row(
        f"a key looked up for every request, of {number:,} against {FEW_KEYS}",
        f"CPU of the workers per request at most {FLAT:g} ×, median of {ROUNDS} rounds; all 200",
        f"{ratio:.2f} ×, {many:.0f} µs against {few:.0f} µs; of any key at random {random_us[1]:.0f} µs "
        f"against {random_us[0]:.0f} µs; {counts(answers)}",
        ratio <= FLAT and set(answers) == {200},
    )


def _ratio(pairs: list[tuple[Cost, Cost]]) -> float:
    """Within a round, so that a slow minute of the machine weighs on both sides alike."""
    return median(many.cpu_us / few.cpu_us for few, many in pairs)


def _with_keys() -> AbstractContextManager[Gateway]:
    return soaked({"cached_keys_max": CACHED_KEYS_MAX})


def _stored(gateway: Gateway, number: int, size: Size) -> Stored:
    put_key(gateway, PATTERN, alias=PATTERN)
    gateway.stop()
    _store_keys(gateway.folder / "data", number)
    start_s = min(_start_s(gateway) for _ in range(STARTS))
    chance = random.Random(size.seed)
    asked = [_asking(chance.randrange(number)) for _ in range(ASKED_KEYS)]
    return Stored(gateway, number, start_s, asked, [_asking(chance.randrange(number)) for _ in range(20_000)])


def _start_s(gateway: Gateway) -> float:
    if gateway.is_running:
        gateway.stop()
    started = time.monotonic()
    gateway.start()
    return time.monotonic() - started


def _asking(number: int) -> bytes:
    return get_request("/token/x", {"Authorization": stored_name(number)})


def _store_keys(data_dir: Path, number: int) -> None:
    root_secret = load_or_make(data_dir / "root_secret")
    store_keys(sqlite_url(data_dir / "records.db"), number, root_secret.lasting_keys.key_hash)


def _page_ms(stored: Stored, after: int) -> float:
    times = []
    for _ in range(9):
        started = time.monotonic()
        answer = stored.gateway.api("GET", f"/tyk/keys?limit=100&after={after}")
        times.append((time.monotonic() - started) * 1000)
        assert answer.status == 200, answer
    return median(times)


# -- APIs -------------------------------------------------------------------------------------------------------------


def many_apis(size: Size) -> list[Row]:
    number = size.of(1000, least=200)
    requests_each = size.of(10_000, least=4_000)
    with _with_apis(FEW_APIS) as small, _with_apis(number) as large:
        pairs = [
            (cost_of(small, _spread(FEW_APIS), requests_each), cost_of(large, _spread(number), requests_each))
            for _ in range(ROUNDS)
        ]
        outcomes, wrong = asyncio.run(_reload_under_load(large, number, size.of(RELOADS, least=3)))
    ratio = _ratio(pairs)
    few, many = pairs[-1]
    answers = by_status(outcomes)
    return [
        Row(
            f"matching among {number} APIs against {FEW_APIS}",
            f"CPU of the workers per request at most {FLAT:g} ×, median of {ROUNDS} rounds",
            f"{ratio:.2f} ×; last round {many.cpu_us:.0f} against {few.cpu_us:.0f} µs, "
            f"{many.rate_per_s:,.0f} against {few.rate_per_s:,.0f} requests/s",
            ratio <= FLAT,
        ),
        Row(
            f"reload of {number} APIs under load, a tenth changed, one new and one gone each time",
            "0 failed requests; each reload in force when answered",
            f"traffic {counts(answers)}; {wrong or 'every reload in force'}",
            set(answers) == {200} and not wrong,
        ),
    ]


def _with_apis(number: int) -> AbstractContextManager[Gateway]:
    return soaked(more_apis=lambda url: [keyless_api(url, f"api-{at}") for at in range(number)])


def _spread(number: int) -> list[bytes]:
    """Ten paths in both cases: usage keeps one sum per API that was asked for, which is not what is measured."""
    return [get_request(f"/api-{at * number // FEW_APIS}/x") for at in range(FEW_APIS)]


async def _reload_under_load(gateway: Gateway, number: int, reloads: int) -> tuple[list[Outcome], list[str]]:
    outcomes: list[Outcome] = []
    reloading = asyncio.ensure_future(asyncio.to_thread(_reload, gateway, number, reloads))
    await asyncio.gather(
        *(
            load(gateway.port, request, connections=2, until=reloading.done, pause_s=0.002, into=outcomes)
            for request in _spread(number)
        )
    )
    return outcomes, await reloading


def _reload(gateway: Gateway, number: int, reloads: int) -> list[str]:
    wrong = []
    folder = gateway.folder / "apps"
    for round_, after in pairwise(range(reloads + 1)):
        for at in range(round_ % 10, number, 10):
            file = folder / f"api-{at}.json"
            file.write_text(json.dumps(json.loads(file.read_text()) | {"name": f"changed {after}"}))
        (folder / f"fresh-{round_ - 1}.json").unlink(missing_ok=True)
        fresh = json.loads((folder / "api-0.json").read_text()) | {"api_id": f"fresh-{round_}"}
        fresh["proxy"] = fresh["proxy"] | {"listen_path": f"/fresh-{round_}/"}
        (folder / f"fresh-{round_}.json").write_text(json.dumps(fresh))
        answer = gateway.api("GET", "/tyk/reload?block=true")
        seen = [_status(gateway, f"/fresh-{one}/x") for one in (round_, round_ - 1)]
        if answer.status != 200 or "problems" in answer.json() or seen != [200, 404]:
            wrong.append(f"reload {round_}: {answer.status}, then {seen}")
    return wrong


def _status(gateway: Gateway, path: str) -> int:
    return gateway.api("GET", path).status
