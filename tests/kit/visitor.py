"""Somebody with a browser that has no JavaScript: keeps cookies, reads forms, sends them as they stand in the page."""

import asyncio
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any, NamedTuple

import httpx
from starlette.types import ASGIApp

from propylon.dashboard.own_files import open_own_files
from tests.kit.fake_people import PASSWORD

OWN_FILES = open_own_files()  # one for all tests, and so are the templates that speak of them
ORIGIN = "http://127.0.0.1:3000"


class PageForm(NamedTuple):
    action: str
    method: str
    fields: dict[str, str]  # as they stand in the page


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[PageForm] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(PageForm(given.get("action", ""), given.get("method", "get"), {}))
        elif tag in ("input", "select", "textarea") and self.found and "name" in given:
            self.found[-1].fields[given["name"]] = given.get("value", "")


class Visitor:
    """On the application itself, with the loop that its records live on."""

    def __init__(self, app: ASGIApp, loop: asyncio.AbstractEventLoop, peer: str = "127.0.0.1") -> None:
        self.app = app
        transport = httpx.ASGITransport(app, client=(peer, 50_000))
        self._client = httpx.AsyncClient(transport=transport, base_url=ORIGIN)
        self._loop = loop

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.send("GET", path, headers=headers)

    def send(self, method: str, path: str, headers: Mapping[str, str] | None = None, **rest: Any) -> httpx.Response:
        """`X_Y` in a header's name is written `X-Y`."""
        fields = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        asking = self._client.request(method, path, headers=fields, **rest)
        answer: httpx.Response = self._loop.run_until_complete(asking)
        return answer

    def submit(
        self, page: httpx.Response, action: str, headers: Mapping[str, str] | None = None, **fields: str
    ) -> httpx.Response:
        """The form of the page that leads to `action`, with what it holds and these fields."""
        form = next(one for one in forms(page) if one.action == action)
        return self.send(form.method.upper(), action, headers or {"Origin": ORIGIN}, data={**form.fields, **fields})

    def sign_in(self, email: str = "ada@example.com", password: str = PASSWORD) -> httpx.Response:
        return self.submit(self.get("/login"), "/login", email=email, password=password)

    def cookie(self, name: str) -> str | None:
        return self._client.cookies.get(name)

    def keep_cookie(self, name: str, value: str) -> None:
        self._client.cookies.set(name, value)

    def close(self) -> None:
        self._loop.run_until_complete(self._client.aclose())


def forms(page: httpx.Response) -> list[PageForm]:
    reading = _Forms()
    reading.feed(page.text)
    return reading.found


def text_of(page: httpx.Response) -> str:
    """What is read on a page, blanks as one."""
    without = re.sub(r"<(script|style)\b.*?</\1>", " ", page.text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", without).split())
