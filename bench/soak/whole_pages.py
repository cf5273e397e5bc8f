"""Whole pages of the dashboard over a month of many callers and a million keys at once, on either engine.

A node with its dashboard, started as people start it; each page is asked for over HTTP by somebody who has signed in.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Final

import httpx

from bench.listed_keys import APIS, POLICIES
from bench.soak import key_pages, usage_pages
from bench.soak.pages import ROUNDS, filled, place_for_many
from bench.soak.row import Row, Size
from propylon.stores.sealing import RootSecret
from propylon.usage.rows import Grain
from tests.kit.dashboard import dashboard_of
from tests.kit.definitions import policy, token_api
from tests.kit.gateway import running_gateway
from tests.kit.places import Place
from tests.kit.ports import free_port

ROOT_SECRET: Final = "the root secret of a soak, which nobody shall use elsewhere"  # noqa: S105
PAGE_MS: Final = 1_000.0  # a page asks for up to six lists and charts, of which each has its own bound (`pages.py`)
NOBODY: Final = "http://127.0.0.1:9/"  # no request is sent on
PAGES: Final = (
    "/",
    "/?range=24h",
    "/keys",
    "/keys?state=suspended",
    "/keys?state=soon",
    "/keys?kind=jwt_key&state=suspended",
    "/keys?tag=half",
    "/keys?tag=half&policy=policy-7",
    "/keys?api=api-1",
    "/keys/{key}",
    "/apis",
    "/apis/api-1",
    "/apis/api-1/access",
    "/policies",
    "/policies/policy-7",
    "/activity?range=7d",
    "/activity?range=30d",
    "/activity?range=30d&api_id=api-7",
    "/activity/apis?range=30d",
    "/activity/callers?range=7d",
    "/activity/callers?range=30d",
    "/activity/callers?range=30d&api_id=api-7",
    "/activity/endpoints?range=30d",
    "/activity/errors?range=30d",
    "/activity/versions?range=30d",
    "/activity/tags?range=30d",
    "/activity/callers/k77?range=30d",
    "/logs",
    "/logs?range=7d",
    "/logs?errors=1",
    "/nodes",
    "/audit",
)


def whole_pages_sqlite(size: Size) -> list[Row]:
    return rows_of("sqlite", size)


def whole_pages_postgres(size: Size) -> list[Row]:
    return rows_of("postgres", size)


def rows_of(engine: str, size: Size) -> list[Row]:
    """The slowest decides, and all are in the report."""
    callers, days = size.of(usage_pages.CALLERS, least=200), size.of(usage_pages.DAYS, least=9)
    keys = size.of(key_pages.KEYS, least=20_000)
    now = int(time.time())
    with place_for_many(engine) as place:
        fills = usage_pages.usage(callers, days, Grain.DAY.start(now // 60)), key_pages.keys(keys, now, engine)
        asyncio.run(filled(place, *fills, root_secret=RootSecret.from_text(ROOT_SECRET)))
        with _signed_in(place) as client:
            ms = {page: _ms(client, page.format(key=f"{77:064}")) for page in PAGES}
    slowest = max(ms, key=lambda page: ms[page])
    each = "; ".join(f"{page} {took:.0f}" for page, took in ms.items())
    return [
        Row(
            f"{len(ms)} whole pages over HTTP, {days} days of {callers:,} callers and {keys:,} keys, {engine}",
            f"each < {PAGE_MS:.0f} ms",
            f"slowest: {slowest}, {ms[slowest]:.0f} ms (ms of each: {each})",
            ms[slowest] < PAGE_MS,
        )
    ]


@contextmanager
def _signed_in(place: Place) -> Iterator[httpx.Client]:
    port = free_port()
    apis = [token_api(NOBODY, f"api-{number}", name=f"API {number}") for number in range(APIS)]
    policies = [policy(f"policy-{number}", "api-1", name=f"Policy {number}") for number in range(POLICIES)]
    settings = {"records_url": place.url, "root_secret": ROOT_SECRET, "dashboard_listen": f"127.0.0.1:{port}"}
    with running_gateway(apis, policies, settings) as gateway, dashboard_of(gateway, port).signed_in() as client:
        yield client


def _ms(client: httpx.Client, page: str) -> float:
    """The median of some rounds."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        answer = client.get(page)
        took.append((time.perf_counter() - began) * 1e3)
        assert answer.status_code == 200, f"{page} answered {answer.status_code}"
    return median(took)
