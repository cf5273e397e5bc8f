"""A page that is only open does not keep its session from ending; a click does."""

import asyncio
import re

from propylon.control.people.signed_in import IDLE_S, SEEN_S
from tests.control.conftest import GatewayApi
from tests.dashboard.real_people import DashboardPeople
from tests.dashboard.test_request_log import following, looked_once
from tests.kit.visitor import Visitor
from tests.kit.waiting import SAFETY_S

STEP_S = 300.0


def asked_by_itself(visitor: Visitor, path: str) -> dict[str, str]:
    """The headers that the page has its part ask with, as htmx reads them."""
    (headers,) = re.findall(r"""hx-get="[^"]+" hx-trigger="[^"]+" hx-headers='(\{[^']+\})'""", visitor.get(path).text)
    (name, value), *_ = re.findall(r'"([\w-]+)": "([^"]+)"', headers)
    return {name: value, "HX-Request": "true"}


def test_a_page_that_asks_by_itself_keeps_no_session(api: GatewayApi, people: DashboardPeople) -> None:
    ada = people.signed_in()
    headers = asked_by_itself(ada.visitor, "/")
    answers = []
    for _ in range(int(IDLE_S / STEP_S)):
        api.clock.jump(STEP_S)
        answers.append(ada.visitor.send("GET", "/", headers))
    assert [one.status_code for one in answers] == [200] * (len(answers) - 1) + [401]
    assert answers[-1].headers["HX-Redirect"].startswith("/login")
    assert ada.visitor.get("/").headers["location"].startswith("/login")


def test_a_click_keeps_it(api: GatewayApi, people: DashboardPeople) -> None:
    ada = people.signed_in()
    for _ in range(int(IDLE_S / STEP_S) + 1):
        api.clock.jump(STEP_S)
        assert ada.visitor.get("/").status_code == 200


def test_following_the_log_keeps_no_session_and_ends_with_it(api: GatewayApi, people: DashboardPeople) -> None:
    ada = people.signed_in()
    api.clock.jump(SEEN_S)  # from here on a click would be written down
    one = following(ada.visitor)

    async def told() -> list[str]:
        assert await one.start() == 200
        pieces = [await one.next()]
        await looked_once(api)
        await api.clock.advance(IDLE_S - SEEN_S)
        async with asyncio.timeout(SAFETY_S):
            while pieces[-1]:
                pieces.append(await one.next())
        return pieces

    assert api.run(told()) == ["retry: 2000\n\n", "event: ended\ndata: Your session has ended.\n\n", ""]
