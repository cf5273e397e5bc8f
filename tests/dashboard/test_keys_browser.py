"""What people come to the screens of keys for, in a real browser; and that each of them is fit for all.

The user tasks of the thread: a JWT key made by what the screen says alone, whose offered curl answers 200; its rotation;
its end, which holds for the next request.
"""

import shlex
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.kit.browser import PHONE, Scheme, Tab, running_browser
from tests.kit.client import request
from tests.kit.dashboard import ALIAS, RunningDashboard, running_dashboard

PAGES = (
    ("/keys", "Keys"),
    ("/keys?state=active&kind=token", "Keys"),
    ("/keys/new", "New key"),
    ("/keys/new?kind=jwt&api=jwt", "New key"),
    ("/keys/{key_hash}", ALIAS),
    ("/keys/{key_hash}/edit", ALIAS),
    ("/keys/{key_hash}/json", ALIAS),
    ("/keys/{key_hash}/rotate", ALIAS),
    ("/keys/{key_hash}/delete", ALIAS),
    ("/identities", "Sessions made by tokens"),
)


@pytest.fixture(scope="module")
def dashboard() -> Iterator[RunningDashboard]:
    with running_dashboard() as one:
        yield one


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as one:
        yield one


def sign_in(tab: Tab, dashboard: RunningDashboard) -> None:
    page = tab.open("/login")
    page.get_by_label("E-mail address").fill(dashboard.email)
    page.get_by_label("Password").fill(dashboard.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Overview", level=1).wait_for()


@pytest.fixture(scope="module")
def signed_in(browser: Browser, dashboard: RunningDashboard) -> Iterator[Tab]:
    """Without JavaScript."""
    with Tab(browser, dashboard.url, scripts=False) as tab:
        sign_in(tab, dashboard)
        yield tab


def test_every_page_is_whole_without_javascript(signed_in: Tab, dashboard: RunningDashboard) -> None:
    for path, title in PAGES:
        page = signed_in.open(path.format(key_hash=dashboard.key_hash))
        assert title in page.get_by_role("heading", level=1).inner_text(), path
    assert not signed_in.elsewhere


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_readable_by_all(
    scheme: Scheme, browser: Browser, signed_in: Tab, dashboard: RunningDashboard
) -> None:
    with Tab(browser, dashboard.url, scheme=scheme) as tab:
        tab.take_cookies_of(signed_in)
        for path, _ in PAGES:
            tab.open(path.format(key_hash=dashboard.key_hash))
            assert (path, tab.violations()) == (path, [])
        assert not tab.elsewhere
        assert not tab.said


def test_every_page_fits_a_telephone(browser: Browser, signed_in: Tab, dashboard: RunningDashboard) -> None:
    with Tab(browser, dashboard.url, size=PHONE) as tab:
        tab.take_cookies_of(signed_in)
        for path, _ in PAGES:
            tab.open(path.format(key_hash=dashboard.key_hash))
            assert tab.overflow() == 0, (path, tab.beyond())


@pytest.fixture(params=["with JavaScript", "without"])
def tab(request: pytest.FixtureRequest, browser: Browser, dashboard: RunningDashboard) -> Iterator[Tab]:
    with Tab(browser, dashboard.url, scripts=request.param == "with JavaScript") as one:
        sign_in(one, dashboard)
        yield one


def make_jwt_key(tab: Tab, alias: str) -> Page:
    """By what the screen says, and nothing else."""
    page = tab.open("/keys")
    page.get_by_role("link", name="New key").first.click()
    page.get_by_label("Alias").fill(alias)
    page.get_by_label("Charges").check()
    page.get_by_label("Use this key to verify JWTs").check()
    page.get_by_role("button", name="Create key").click()
    page.get_by_text("Use this ID as").wait_for()
    return page


def status_of(curl: str) -> int:
    """Sent as the shell would send it."""
    words = shlex.split(curl)
    url = next(word for word in words if word.startswith("http"))
    fields = dict(one.split(": ", 1) for flag, one in zip(words, words[1:], strict=False) if flag == "-H")
    return request("GET", url, None, fields).status


def test_a_jwt_key_made_by_what_the_screen_says_answers_200_to_the_offered_curl(tab: Tab) -> None:
    page = make_jwt_key(tab, "Nightly export")
    curl = page.locator("#curl").inner_text()
    assert status_of(curl) == 200
    page.reload()
    assert curl not in page.content(), "what is shown once is not shown again"


def test_a_key_that_is_deleted_is_refused_at_the_next_request(tab: Tab) -> None:
    page = make_jwt_key(tab, "Short lived")
    curl = page.locator("#curl").inner_text()
    assert status_of(curl) == 200
    page.get_by_role("link", name="To the key's page").click()
    place = page.url
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("heading", name="Keys", level=1).wait_for()
    assert status_of(curl) == 403
    answer = page.goto(place)
    assert answer is not None
    assert answer.status == 404


def test_after_a_rotation_both_secrets_are_good_until_the_old_one_is_retired(tab: Tab) -> None:
    page = make_jwt_key(tab, "Rotated")
    old = page.locator("#curl").inner_text()
    page.get_by_role("link", name="To the key's page").click()
    page.get_by_role("link", name="Rotate").click()
    page.get_by_role("button", name="Rotate").click()
    new = page.locator("#curl").inner_text()
    assert new != old
    assert (status_of(old), status_of(new)) == (200, 200)
