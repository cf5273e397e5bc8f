"""What people come to the screens of APIs and policies for, in a real browser; and that each of them is fit for all."""

import shlex
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.kit.browser import PHONE, Tab
from tests.kit.client import request
from tests.kit.dashboard import RunningDashboard, running_dashboard
from tests.kit.definitions import jwt_api, policy, session, token_api

PAGES = (
    ("/apis", "APIs"),
    ("/new/api", "New API"),
    ("/new/api/json", "New API from JSON"),
    ("/apis/orders", "Orders"),
    ("/apis/token", "Payments"),
    ("/apis/partners", "Partners"),
    ("/apis/orders/json", "Orders"),
    ("/apis/orders/fields", "Orders"),
    ("/apis/orders/opt-out?field=allowed_ips", "Serve Orders without allowed_ips?"),
    ("/apis/orders/access", "Orders"),
    ("/apis/jwt/try", "Charges"),
    ("/apis/orders/delete", "Delete the API Orders?"),
    ("/policies", "Policies"),
    ("/new/policy", "New policy"),
    ("/policies/silver", "Silver"),
    ("/policies/silver/json", "Silver"),
    ("/policies/silver/delete", "Delete the policy Silver?"),
    ("/jwt-guide/central", "Your identity provider signs"),
    ("/jwt-guide/per-key", "Each client signs with its own key"),
)
CREDENTIAL = "a-key-under-silver"


def put(dashboard: RunningDashboard, path: str, document: object) -> None:
    answer = dashboard.gateway.api("POST", path, document)
    assert answer.status == 200, answer.body


@pytest.fixture(scope="module")
def dashboard() -> Iterator[RunningDashboard]:
    with running_dashboard() as one:
        target = one.gateway.api("GET", "/tyk/apis/token").json()["proxy"]["target_url"]
        put(
            one,
            "/tyk/apis",
            token_api(target, "orders", name="Orders", allowed_ips=["10.0.0.0/8"], CORS={"enable": True}),
        )
        sets = [{"url": "https://id.example.com/jwks.json"}]
        put(
            one, "/tyk/apis", jwt_api(target, "partners", name="Partners", jwt_jwks_uris=sets, jwt_signing_method="rsa")
        )
        put(one, "/tyk/policies", policy("silver", "token", name="Silver", rate=1000, per=1, meta_data={"team": "eu"}))
        put(one, f"/tyk/keys/{CREDENTIAL}", session(alias="Under silver", apply_policies=["silver"]))
        yield one


def test_every_page_is_whole_without_javascript(signed_in: Tab) -> None:
    for path, title in PAGES:
        page = signed_in.open(path)
        assert page.get_by_role("heading", name=title, level=1).is_visible(), path
    assert not signed_in.elsewhere


def test_every_page_is_readable_by_all(browser: Browser, signed_in: Tab, dashboard: RunningDashboard) -> None:
    with Tab(browser, dashboard.url) as tab:
        tab.take_cookies_of(signed_in)
        for path, _ in PAGES:
            tab.open(path)
            assert (path, tab.violations_in_both_schemes()) == (path, [])
        assert not tab.elsewhere
        assert not tab.said


def test_every_page_fits_a_telephone(browser: Browser, signed_in: Tab, dashboard: RunningDashboard) -> None:
    with Tab(browser, dashboard.url, size=PHONE) as tab:
        tab.take_cookies_of(signed_in)
        wide = {path: tab.overflow() for path, _ in PAGES if tab.open(path)}
        assert set(wide.values()) == {0}, wide


def test_only_the_fields_of_the_chosen_mode_are_shown(signed_in: Tab) -> None:
    """P1, and without JavaScript."""
    page = signed_in.open("/new/api")
    assert not page.get_by_text("Who signs the tokens?").is_visible()
    page.get_by_text("A JSON Web Token").click()
    page.get_by_text("Each client signs with its own key").click()
    assert page.get_by_label("A token must name its key (kid)").is_checked()
    assert not page.get_by_label("Policy claim").is_visible()
    page.get_by_text("Your identity provider signs the tokens").click()
    assert page.get_by_label("Policy claim").is_visible()
    assert not page.get_by_label("A token must name its key (kid)").is_visible()
    page.get_by_text("A public key", exact=True).click()
    assert page.get_by_role("textbox", name="Public key").is_visible()
    assert not page.get_by_label("Addresses of key sets").is_visible()


def test_a_change_of_a_policy_acts_on_the_next_request(signed_in: Tab, dashboard: RunningDashboard) -> None:
    def called(path: str) -> int:
        return request("GET", f"{dashboard.gateway.url}/token{path}", None, {"Authorization": CREDENTIAL}).status

    assert (called("/orders"), called("/refunds")) == (200, 200)
    page = signed_in.open("/policies")
    page.get_by_role("link", name="Silver").click()
    page.get_by_label("Paths").fill("GET /orders")
    page.get_by_role("button", name="Save the policy").last.click()
    page.get_by_role("heading", name="Save the policy Silver?").wait_for()
    expect(page.get_by_text("1 key: from the next request on.")).to_be_visible()
    assert called("/refunds") == 200, "nothing holds before it is confirmed"
    page.get_by_role("button", name="Save the policy").click()
    page.get_by_text("The policy is saved").wait_for()
    assert (called("/orders"), called("/refunds")) == (200, 403)


def test_why_a_token_is_refused_is_found_on_its_api(
    browser: Browser, signed_in: Tab, dashboard: RunningDashboard
) -> None:
    with Tab(browser, dashboard.url) as tab:
        tab.take_cookies_of(signed_in)
        page = tab.open("/apis")
        page.get_by_role("link", name="Charges").click()
        page.get_by_role("link", name="Try a token").click()
        page.get_by_label("Token or key").fill(f"Bearer {dashboard.token('acm')}")
        page.get_by_role("button", name="Try it").click()
        page.get_by_role("heading", name="It would be refused").wait_for()
        expect(page.get_by_text("jwt_unknown_kid").first).to_be_visible()
        assert tab.violations() == []
        assert not tab.said


def test_the_guide_sets_central_mode_up_and_its_command_answers_200(
    signed_in: Tab, dashboard: RunningDashboard
) -> None:
    page = signed_in.open("/jwt-guide")
    page.get_by_role("link", name="with your identity provider").click()
    page.get_by_role("button", name="Set it up").click()
    page.get_by_role("heading", name="It is set up").wait_for()
    command = shlex.split(page.locator("pre").first.inner_text())
    assert command[:2] == ["curl", "-i"]
    name, _, token = command[-1].partition(": ")
    answer = request("GET", command[2], None, {name: token})
    assert answer.status == 200, answer.body


def test_a_dialog_asks_before_an_api_is_deleted(browser: Browser, signed_in: Tab, dashboard: RunningDashboard) -> None:
    with Tab(browser, dashboard.url) as tab:
        tab.take_cookies_of(signed_in)
        put(dashboard, "/tyk/apis", token_api("http://127.0.0.1:9/", "short-lived", name="Short-lived"))
        page = tab.open("/apis/short-lived")
        page.get_by_role("link", name="Delete").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("heading", name="Delete the API Short-lived?").wait_for()
        assert tab.violations() == []
        dialog.get_by_role("button", name="Delete the API").click()
        page.get_by_text("The API is deleted.").wait_for()
        assert dashboard.gateway.api("GET", "/tyk/apis/short-lived").status == 404
