"""Every page in a real browser: whole without JavaScript, from no other host, readable by all, and on a telephone.

A new page is one line in PAGES.
"""

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.kit.browser import PHONE, Scheme, Tab
from tests.kit.client import request
from tests.kit.dashboard import ALIAS, KEY_ID, RunningDashboard
from tests.kit.definitions import session
from tests.kit.waiting import eventually

PAGES = (
    ("/", "Overview"),
    ("/?range=24h", "Overview"),
    ("/keys", "Keys"),
    ("/keys/new", "New key"),
    ("/keys/import", "Import keys of Tyk"),
    ("/keys?kind=token&state=active", "Keys"),
    ("/keys/{key_hash}", ALIAS),
    ("/keys/{key_hash}/edit", f"Edit {ALIAS}"),
    ("/keys/{key_hash}/json", f"{ALIAS} as JSON"),
    ("/keys/{key_hash}/rotate", f"Rotate {ALIAS}"),
    ("/keys/{key_hash}/extend", f"When shall {ALIAS} end?"),
    ("/keys/{key_hash}/delete", f"Delete {ALIAS}?"),
    ("/identities", "Sessions made by tokens"),
    ("/token-checker", "Token checker"),
    ("/jwt-guide", "JWT guide"),
    ("/activity", "Activity"),
    ("/activity?range=7d&api_id=token", "Activity"),
    ("/activity/apis", "Activity by API"),
    ("/activity/callers", "Traffic by key"),
    ("/activity/endpoints", "Activity by endpoint"),
    ("/activity/errors", "Activity by error"),
    ("/activity/versions", "Activity by version"),
    ("/activity/tags", "Activity by tags"),
    ("/activity/callers/{key_hash}", ALIAS),
    ("/activity/callers/00000000", "no key"),
    ("/logs", "Request log"),
    ("/logs?errors=1", "Request log"),
    ("/logs/live", "Request log, live"),
    ("/logs/1", "GET /token/orders"),
    ("/nodes", "Nodes"),
    ("/settings", "Settings"),
    ("/users", "Users"),
    ("/users/new", "New user"),
    ("/users/new?role=operator", "New user"),
    ("/groups", "User groups"),
    ("/groups/new", "New group"),
    ("/roles", "Roles"),
    ("/audit", "Audit log"),
    ("/audit?action=create&from_date=2026-01-01", "Audit log"),
    ("/audit/1", "Entry 1"),
    ("/audit/chain", "Chain of the audit log"),
    ("/organisation", "default"),
    ("/profile", "Your profile"),
    ("/password", "Change your password"),
    ("/logout", "Sign out?"),
)


@pytest.mark.parametrize(("path", "title"), PAGES, ids=[path for path, _ in PAGES])
def test_a_page_is_whole_without_javascript(path: str, title: str, signed_in: Tab, dashboard: RunningDashboard) -> None:
    page = signed_in.open(path.format(key_hash=dashboard.key_hash))
    assert page.get_by_role("heading", name=title, level=1).is_visible()
    assert not signed_in.elsewhere


def test_the_pages_are_readable_by_all_and_ask_no_other_host(
    browser: Browser, signed_in: Tab, dashboard: RunningDashboard
) -> None:
    with Tab(browser, dashboard.url) as tab:
        tab.take_cookies_of(signed_in)
        for path, _ in PAGES:
            tab.open(path.format(key_hash=dashboard.key_hash))
            assert (path, tab.violations_in_both_schemes()) == (path, [])
        assert not tab.elsewhere
        assert not tab.said


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sign_in_page_is_readable_by_all(scheme: Scheme, browser: Browser, dashboard: RunningDashboard) -> None:
    with Tab(browser, dashboard.url, scheme=scheme) as tab:
        tab.open("/login")
        assert tab.violations() == []


def test_the_pages_fit_a_telephone(browser: Browser, signed_in: Tab, dashboard: RunningDashboard) -> None:
    with Tab(browser, dashboard.url, size=PHONE) as tab:
        tab.take_cookies_of(signed_in)
        wide = {path: tab.overflow() for path, _ in PAGES if tab.open(path.format(key_hash=dashboard.key_hash))}
        assert set(wide.values()) == {0}, wide


def test_a_new_user_signs_in_chooses_a_password_and_is_shown_what_they_may_read(
    browser: Browser, dashboard: RunningDashboard
) -> None:
    temporary = dashboard.new_user("grace@example.com", "--allow", "keys=read")
    with Tab(browser, dashboard.url, scripts=False) as tab:
        page = tab.open("/keys")
        page.get_by_label("E-mail address").fill("grace@example.com")
        page.get_by_label("Password").fill(temporary)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Choose a new password").wait_for()
        page.get_by_label("Current password").fill(temporary)
        page.get_by_label("New password", exact=True).fill("a long one of hers")
        page.get_by_label("New password once more").fill("a long one of hers")
        page.get_by_role("button", name="Change password").click()
        page.get_by_text("Your password is changed").wait_for()
        page.wait_for_load_state("load")
        assert page.get_by_role("heading", name="Keys", level=1).is_visible()
        assert not page.get_by_role("link", name="Nodes").is_visible()


def make_user(tab: Tab, email: str, role: str) -> str:
    """By an administrator, in the dashboard; the temporary password that it shows."""
    page = tab.open(f"/users/new?role={role}")
    page.get_by_label("First name").fill("Heda")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name="Create user").click()
    page.get_by_text("This page shows it once.").wait_for()
    return page.locator("dl.once code").first.inner_text()


def test_somebody_whose_role_reads_alone_is_made_and_is_shown_nothing_that_writes(
    browser: Browser, signed_in: Tab, dashboard: RunningDashboard
) -> None:
    temporary = make_user(signed_in, "heda@example.com", "auditor")
    with Tab(browser, dashboard.url, scripts=False) as tab:
        page = tab.open("/users")
        page.get_by_label("E-mail address").fill("heda@example.com")
        page.get_by_label("Password").fill(temporary)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_label("Current password").fill(temporary)
        page.get_by_label("New password", exact=True).fill("a long one of theirs")
        page.get_by_label("New password once more").fill("a long one of theirs")
        page.get_by_role("button", name="Change password").click()
        page.get_by_text("Your password is changed").wait_for()
        page = tab.open("/users")
        assert not page.get_by_role("link", name="New user").is_visible()
        page.get_by_role("link", name="ada@example.com").click()
        page.get_by_text("may do more than you").wait_for()
        page.wait_for_load_state("load")
        assert page.locator("main form").count() == 0
        answer = page.goto(f"{dashboard.url}/users/new")
        assert answer is not None
        assert answer.status == 403
        page.get_by_text("It needs the right to write users").wait_for()
        assert tab.open("/audit").get_by_role("cell", name="sign in", exact=True).first.is_visible()


def test_a_dialog_asks_before_a_user_is_deactivated_and_the_keyboard_leaves_it(
    browser: Browser, signed_in: Tab, dashboard: RunningDashboard
) -> None:
    make_user(signed_in, "ivan@example.com", "analyst")
    with Tab(browser, dashboard.url) as tab:
        tab.take_cookies_of(signed_in)
        page = tab.open("/users?q=ivan")
        page.get_by_role("link", name="Heda").click()
        page.get_by_role("link", name="Deactivate").click()
        page.locator("dialog").get_by_role("heading", name="Deactivate ivan@example.com?").wait_for()
        assert tab.violations() == []
        page.keyboard.press("Escape")
        page.locator("dialog").wait_for(state="detached")
        page.get_by_role("link", name="Deactivate").click()
        page.locator("dialog").get_by_role("button", name="Deactivate").click()
        page.get_by_text("The user is deactivated and signed out everywhere.").wait_for()
        assert tab.violations() == []
        assert not tab.said


def test_the_page_of_a_user_fits_a_telephone(browser: Browser, signed_in: Tab, dashboard: RunningDashboard) -> None:
    with Tab(browser, dashboard.url, size=PHONE) as tab:
        tab.take_cookies_of(signed_in)
        page = tab.open("/users")
        page.get_by_role("link", name="ada@example.com").click()
        page.get_by_role("heading", name="Profile and rights").wait_for()
        assert tab.overflow() == 0


def test_a_key_is_found_from_its_id_and_its_last_requests_stand_on_its_page(
    signed_in: Tab, dashboard: RunningDashboard
) -> None:
    page = signed_in.open("/keys")
    page.get_by_label("Find a key by anything").fill(KEY_ID)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("heading", name=ALIAS, level=1).wait_for()
    assert page.url.endswith(f"/keys/{dashboard.key_hash}")
    expect(page.get_by_role("cell", name="GET /token/orders")).to_have_count(6)


def test_a_caller_is_found_in_activity_by_their_alias(signed_in: Tab, dashboard: RunningDashboard) -> None:
    page = signed_in.open("/activity")
    page.get_by_role("navigation", name="Views of activity").get_by_role("link", name="By key").click()
    page.get_by_label("Find a caller by anything").fill(ALIAS)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("heading", name=ALIAS, level=1).wait_for()
    expect(page.locator("main")).to_contain_text("6 of 500")
    page.get_by_role("link", name="Open the key").click()
    page.wait_for_url(f"{dashboard.url}/keys/{dashboard.key_hash}")
    page.get_by_role("heading", name=ALIAS, level=1).wait_for()


def test_a_deleted_key_says_so_in_activity_and_opens_its_history(signed_in: Tab, dashboard: RunningDashboard) -> None:
    api = dashboard.gateway.api
    key_hash = api("POST", "/tyk/keys/soon-gone", session("token", alias="Soon gone")).json()["key_hash"]
    request("GET", f"{dashboard.gateway.url}/token/orders", None, {"Authorization": "soon-gone"})
    eventually(lambda: "Soon gone" in signed_in.open("/activity/callers").content())
    assert api("DELETE", f"/tyk/keys/{key_hash}?hashed=1").status == 200
    page = signed_in.open("/activity/callers")
    row = page.get_by_role("row").filter(has_text="history is kept")
    assert row.count() == 1
    row.get_by_role("link", name="deleted").click()
    page.get_by_role("heading", name="deleted k", level=1).wait_for()
    expect(page.locator(".tile-number").first).to_have_text("1")


def test_a_request_comes_into_the_live_log_by_itself(
    browser: Browser, signed_in: Tab, dashboard: RunningDashboard
) -> None:
    with Tab(browser, dashboard.url) as tab:
        tab.take_cookies_of(signed_in)
        page = tab.open("/logs/live?path=/token/just-now")
        page.get_by_text("Following.").wait_for()
        request("GET", f"{dashboard.gateway.url}/token/just-now", None, {"Authorization": "nobody"})
        page.get_by_role("cell", name="GET /token/just-now").wait_for()
        assert not tab.said
        page.get_by_role("cell", name="GET /token/just-now").locator("xpath=..").get_by_role("link").first.click()
        page.get_by_role("heading", name="It was refused").wait_for()


def test_a_diagnosis_is_copied_with_one_click(browser: Browser, signed_in: Tab, dashboard: RunningDashboard) -> None:
    with Tab(browser, dashboard.url) as tab:
        tab.take_cookies_of(signed_in)
        page = tab.open("/logs?errors=1&reason=jwt_unknown_kid")
        page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=dashboard.url)
        page.locator("[data-entry] a").first.click()
        page.get_by_role("button", name="Copy diagnosis").click()
        page.get_by_text("Copied").wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert "jwt_unknown_kid" in copied
        assert "each client signs with its own key" in copied


def test_a_refused_token_is_told_why_without_a_new_page(
    browser: Browser, signed_in: Tab, dashboard: RunningDashboard
) -> None:
    with Tab(browser, dashboard.url) as tab:
        tab.take_cookies_of(signed_in)
        page = tab.open("/token-checker")
        page.get_by_label("API").select_option("jwt")
        page.get_by_label("Token or key").fill(dashboard.token("acm"))
        page.get_by_role("button", name="Check").click()
        page.get_by_role("heading", name="It would be refused").wait_for()
        expect(page.get_by_text("jwt_unknown_kid").first).to_be_visible()
        assert tab.violations() == []
        assert not tab.said


def test_a_chart_shows_the_numbers_of_its_table(browser: Browser, signed_in: Tab, dashboard: RunningDashboard) -> None:
    with Tab(browser, dashboard.url) as tab:
        tab.take_cookies_of(signed_in)
        page = tab.open("/")
        page.locator(".uplot canvas").wait_for()
        page.get_by_text("Numbers of this chart").click()
        rows = page.locator(".numbers tbody tr").all_inner_texts()
        told = int(page.locator(".tile-number").first.inner_text())
        assert sum(int(number) for row in rows for number in row.split("\t")[1:]) == told >= 15


def test_the_keyboard_reaches_the_content_first(browser: Browser, signed_in: Tab, dashboard: RunningDashboard) -> None:
    with Tab(browser, dashboard.url) as tab:
        tab.take_cookies_of(signed_in)
        page = tab.open("/keys")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_the_rest_api_stands_beside_the_pages(dashboard: RunningDashboard) -> None:
    assert httpx.get(f"{dashboard.url}/api/apis").status_code == 401
    assert httpx.get(f"{dashboard.url}/api/apis", headers={"Authorization": "no access key"}).status_code == 401
