"""A bug in a page: told as one, with the headers of every page, and not swallowed."""

import asyncio

import httpx
import pytest
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import Receive, Scope, Send

from propylon.dashboard.safety import HEADERS
from propylon.dashboard.serving import bug_page


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise ZeroDivisionError("a secret of ours")


@pytest.mark.parametrize("is_raised", [True, False])
def test_a_bug_is_answered_with_500_and_raised_to_the_server_which_logs_it(is_raised: bool) -> None:
    application = ServerErrorMiddleware(broken, handler=bug_page)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(application, raise_app_exceptions=is_raised)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get("/")

    if is_raised:
        with pytest.raises(ZeroDivisionError):
            asyncio.run(ask())
        return
    answer = asyncio.run(ask())
    assert answer.status_code == 500
    assert "a secret of ours" not in answer.text
    assert {name.lower() for name in HEADERS} <= set(answer.headers)
