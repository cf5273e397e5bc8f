"""The dashboard on real records and meters, with people who can sign in, and a visitor of it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from propylon.control.people.signed_in import SignedIn
from propylon.dashboard.app import Dashboard
from tests.control.conftest import GatewayApi
from tests.control.conftest import api as api
from tests.control.conftest import make as make
from tests.dashboard.real_people import DashboardPeople
from tests.kit.browser import Tab, running_browser
from tests.kit.dashboard import RunningDashboard, running_dashboard
from tests.kit.fake_people import FakePeople, fake_user
from tests.kit.screenshots import sign_in
from tests.kit.visitor import OWN_FILES, Visitor

NewVisitor = Callable[..., Visitor]


@pytest.fixture
def new_visitor(api: GatewayApi) -> Iterator[NewVisitor]:
    """Makes a visitor of a dashboard for these users; its settings are the gateway's with these changes."""
    made: list[Visitor] = []

    def one(*users: SignedIn, peer: str = "127.0.0.1", **settings: Any) -> Visitor:
        changed = {"dashboard_listen": "127.0.0.1:3000", **settings}
        desk = api.desk._replace(settings=api.settings.model_copy(update=changed))
        app = Dashboard(desk, FakePeople(*(users or (fake_user(),))), OWN_FILES)
        made.append(Visitor(app, api.loop, peer))
        return made[-1]

    yield one
    for each in made:
        each.close()


@pytest.fixture
def visitor(new_visitor: NewVisitor) -> Visitor:
    """An administrator who has signed in."""
    one = new_visitor()
    assert one.sign_in().status_code == 303
    return one


@pytest.fixture
def people(api: GatewayApi) -> Iterator[DashboardPeople]:
    """With users of the records, where what is tested is people."""
    one = DashboardPeople(api)
    yield one
    one.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """No longer than a module, as the loop that drives it would be in the way of others."""
    with running_browser() as one:
        yield one


@pytest.fixture(scope="module")
def dashboard() -> Iterator[RunningDashboard]:
    with running_dashboard() as one:
        yield one


@pytest.fixture(scope="module")
def signed_in(browser: Browser, dashboard: RunningDashboard) -> Iterator[Tab]:
    """Without JavaScript: signing in needs none. Other tabs take its cookies."""
    with Tab(browser, dashboard.url, scripts=False) as tab:
        sign_in(tab, dashboard)
        yield tab
