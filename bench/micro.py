"""`python -m bench.micro`: what the single operations of the hot path cost, by timeit.

CPU time of the best of several repeats, so that other work on the machine counts as little as can be.
Each operation is imported when its turn comes: one that is missing is reported with its reason and costs no other.
"""

import tempfile
import time
import timeit
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import typer

from bench.origin import BODY

REPEATS = 5
REPEAT_S = 0.2
TOKEN = f"{'h' * 60}.{'p' * 180}.{'s' * 43}"  # as long as an HS256 token with the usual claims
REQUEST = (
    "GET /orders/2026?page=3 HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
    "Accept: application/json, text/plain, */*\r\nAccept-Encoding: gzip, deflate, br\r\n"
    f"Accept-Language: en-GB,en;q=0.9\r\nAuthorization: Bearer {TOKEN}\r\nCache-Control: no-cache\r\n"
    "Cookie: session=5f2b8c1e9d7a4c60; theme=dark\r\nReferer: https://app.example.com/orders/2026\r\n"
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
    "X-Request-Id: 7b6f3d52-8f7e-4a39-9a55-1d3f0c7f2a10\r\nX-Client-Version: web 8.14.2\r\n\r\n"
).encode()
RESPONSE = (
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Tue, 24 Nov 2026 15:00:00 GMT\r\n"
    f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\nConnection: keep-alive\r\n\r\n{BODY}"
).encode()

Operation = Callable[[], object]


@contextmanager
def request_reader() -> Iterator[Operation]:
    """One reader a connection, as in the gateway."""
    from propylon.http.limits import HeadLimits
    from propylon.http.request_reader import RequestReader

    reader = RequestReader(HeadLimits())
    yield lambda: reader.feed(REQUEST)


@contextmanager
def response_reader() -> Iterator[Operation]:
    """The same answer again and again, as an upstream sends it within a second."""
    from propylon.http.limits import HeadLimits
    from propylon.http.response_reader import ResponseReader

    reader = ResponseReader(HeadLimits())

    def read() -> None:
        reader.begin(head_request=False)
        reader.feed(RESPONSE)

    yield read


@contextmanager
def lmdb_admit() -> Iterator[Operation]:
    """A sliding window and a quota in one transaction, never refused."""
    from propylon.model.charge import Claim, Kind
    from propylon.stores.lmdb import open_meters

    charge = (
        Claim(b"k1.0.rate", Kind.SLIDING, 1_000_000_000, 60_000_000_000),
        Claim(b"k1.0.quota", Kind.QUOTA, 1_000_000_000, 86_400_000_000_000),
    )
    with tempfile.TemporaryDirectory(prefix="propylon-micro-") as folder:
        meters = open_meters(Path(folder), meters_map_bytes=8 * 1024**2, usage_map_bytes=1024**2, usage_lines_max=1000)
        yield lambda: _ran(meters.admit(charge))
        _ran(meters.close())


@contextmanager
def verified_token_hit() -> Iterator[Operation]:
    """With the hash of the token, which every hit pays."""
    from propylon.jose.verified_tokens import VerifiedToken, VerifiedTokens

    tokens = VerifiedTokens(10_000)
    tokens.put(sha256(TOKEN.encode("latin-1")).digest(), VerifiedToken({}, "", ""))
    yield lambda: tokens.get(sha256(TOKEN.encode("latin-1")).digest())


@contextmanager
def key_hash() -> Iterator[Operation]:
    from propylon.stores.sealing import RootSecret

    keys = RootSecret.generate().lasting_keys
    yield lambda: keys.key_hash("5aaa35ad7d0d6e000187d6ea", "aaa-bbb-999")


OPERATIONS = {
    "request head of 12 fields read": request_reader,
    "response of 500 bytes read": response_reader,
    "admit on LMDB, sliding window + quota": lmdb_admit,
    "hit in the verified-token cache": verified_token_hit,
    "key hash": key_hash,
}


def microseconds(operation: Operation) -> float:
    """The best repeat: what the others took longer was the machine's."""
    timer = timeit.Timer(operation, timer=time.process_time)
    number, took_s = timer.autorange()
    number = max(1, int(number * REPEAT_S / took_s))
    return min(timer.repeat(REPEATS, number)) / number * 1e6


def micro() -> None:
    """Times the single operations and prints a table."""
    typer.echo("| operation | µs |\n|---|---|")
    for name, opened in OPERATIONS.items():
        try:
            with opened() as operation:
                typer.echo(f"| {name} | {microseconds(operation):.2f} |")
        except ImportError as missing:
            typer.echo(f"| {name} | not run: {missing} |")


def _ran(coroutine: Coroutine[Any, Any, object]) -> None:
    """To its end without a loop: what waits for nothing needs none."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise RuntimeError("the operation waits for something")


if __name__ == "__main__":
    typer.run(micro)
