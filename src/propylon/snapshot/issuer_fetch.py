"""One key set over HTTP, from a host that is not trusted to behave: bounded in time and size, never led elsewhere.

The address that was checked is the one connected to, anew at each fetch: the name is resolved here, every address of
it must be public, and the connection goes to one of them with the name in Host and in TLS, whose certificate must be
for the name. Redirects are followed to the same scheme, host and port only. Proxies of the environment are not used, as
one would resolve the name again. Imported at the first fetch (see `renewal.lazy_fetch`), as the client is large.
"""

import asyncio
import logging
import re
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Final

import anyio
import httpx

from propylon import __version__
from propylon.jose.json_object import parse_object
from propylon.model.key_set_url import url_trouble
from propylon.snapshot.issuer_source import Source
from propylon.snapshot.public_address import is_public
from propylon.snapshot.renewal import Fetched

BODY_MAX_BYTES: Final = 1024 * 1024
REDIRECTS_MAX: Final = 3
ADDRESSES_MAX: Final = 4  # tried, of those that a name has
FIELDS: Final = {
    "Accept": "application/json, application/jwk-set+json",
    "Accept-Encoding": "identity",  # what is small must not grow here
    "User-Agent": f"propylon/{__version__}",
}
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MAX_AGE: Final = re.compile(r'(?:^|[\s,])max-age="?(\d{1,9})', re.IGNORECASE)
_NOT_KEPT: Final = re.compile(r"(?:^|[\s,])no-(?:store|cache)", re.IGNORECASE)

Resolve = Callable[[str, int], Awaitable[list[str]]]

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs each request under the address; `renewal.py` does better


class NotFetched(Exception):
    """Its text says why."""


def warm_up() -> None:
    """For a thread: httpx imports what it runs on at its first request, and would hold the loop up for 90 ms."""
    anyio.run(asyncio.sleep, 0)


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, in the system's order; raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class IssuerFetch:
    """One per worker; keeps no connection."""

    def __init__(self, time_s: float, *, allow_insecure: bool, resolve: Resolve = resolve) -> None:
        self._time_s = time_s
        self._allow_insecure = allow_insecure
        self._resolve = resolve
        self._tls: ssl.SSLContext | None = None  # made at the first fetch: 20 ms for the authorities of the system

    async def __call__(self, source: Source) -> Fetched | str:
        """A text says why there is no answer."""
        try:
            async with asyncio.timeout(self._time_s):
                return await self._fetch(source)
        except TimeoutError:
            return f"no whole answer within {self._time_s:g} s"
        except NotFetched as why:
            return str(why)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return f"{type(error).__name__}: {error}"

    async def _fetch(self, source: Source) -> Fetched:
        if source.openid_issuer is None:
            return await self._get(source.url)
        configuration = await self._get(source.url)
        return await self._get(_jwks_uri(configuration.body, source.openid_issuer))

    async def _get(self, url: str) -> Fetched:
        for _ in range(1 + REDIRECTS_MAX):
            if trouble := url_trouble(url, allow_insecure=self._allow_insecure):
                raise NotFetched(f"{url} {trouble}")
            answer = await self._get_once(httpx.URL(url))
            if isinstance(answer, Fetched):
                return answer
            url = answer
        raise NotFetched(f"more than {REDIRECTS_MAX} redirects")

    async def _get_once(self, url: httpx.URL) -> Fetched | str:
        """The answer, or where it says to go on."""
        for address in (addresses := await self._addresses(url)):
            try:
                return await self._ask(url, address)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if address == addresses[-1]:
                    raise
        raise NotFetched(f"{url.host} has no address")

    async def _addresses(self, url: httpx.URL) -> list[str]:
        found = await self._resolve(url.raw_host.decode(), url.port or (443 if url.scheme == "https" else 80))
        inner = [address for address in found if not is_public(address)]
        if inner and not self._allow_insecure:
            text = "which is not of the public internet; correct the URL, or set allow_insecure_jwks for issuers within"
            raise NotFetched(f"{url.host} has the address {inner[0]}, {text}")
        return found[:ADDRESSES_MAX]

    async def _ask(self, url: httpx.URL, address: str) -> Fetched | str:
        if self._tls is None:
            self._tls = await asyncio.to_thread(ssl.create_default_context)
        fields = {**FIELDS, "Host": url.netloc.decode()}
        name = {"sni_hostname": url.raw_host.decode()}  # sent in TLS, and what the certificate must be for
        timeout = httpx.Timeout(self._time_s, connect=self._time_s / 2)  # which leaves time for another address
        async with httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=timeout) as client:
            request = client.build_request("GET", url.copy_with(host=address), headers=fields, extensions=name)
            answer = await client.send(request, stream=True)
            try:
                return await _read(url, answer)
            finally:
                await answer.aclose()


async def _read(url: httpx.URL, answer: httpx.Response) -> Fetched | str:
    if answer.status_code in REDIRECTS and "location" in answer.headers:
        target = url.join(answer.headers["location"])
        if (target.scheme, target.netloc) != (url.scheme, url.netloc):
            raise NotFetched(f"is redirected to another host, {target.host}; configure the URL it is really at")
        return str(target)
    if answer.status_code != 200:
        raise NotFetched(f"status {answer.status_code}")
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise NotFetched(f"sent as {answer.headers['content-encoding']}, which was not asked for")
    body = b""
    async for piece in answer.aiter_raw():
        body += piece
        if len(body) > BODY_MAX_BYTES:
            raise NotFetched(f"longer than {BODY_MAX_BYTES} bytes")
    return Fetched(body, _max_age_s(answer.headers))


def _max_age_s(headers: httpx.Headers) -> float | None:
    """RFC 9111 §4.2: what is left of max-age when the answer left the cache it came from."""
    control = headers.get("cache-control", "")
    if _NOT_KEPT.search(control):
        return 0.0
    found = _MAX_AGE.search(control)
    if found is None:
        return None
    age = headers.get("age", "")
    return max(0.0, float(found[1]) - (float(age) if age.isdecimal() and age.isascii() and len(age) < 10 else 0.0))


def _jwks_uri(configuration: bytes, issuer: str) -> str:
    """OpenID Connect Discovery §4.3: a configuration that names another issuer is not its, whoever served it."""
    document = parse_object(configuration)
    if document is None:
        raise NotFetched("the OpenID configuration is no JSON object")
    if document.get("issuer") != issuer:
        raise NotFetched(f"the OpenID configuration names the issuer {document.get('issuer')!r}, not {issuer!r}")
    if not isinstance(document.get("jwks_uri"), str):
        raise NotFetched("the OpenID configuration has no jwks_uri")
    return str(document["jwks_uri"])
