"""What people do with keys, in a real browser, with nothing but what the screen says; each with and without scripts.

The offered curl is run in a shell as it was pasted, against the gateway that serves.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.kit.browser import PHONE, Tab
from tests.kit.client import request
from tests.kit.dashboard import RunningDashboard
from tests.kit.screenshots import sign_in

pytestmark = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])


@pytest.fixture
def tab(browser: Browser, dashboard: RunningDashboard, scripts: bool) -> Iterator[Tab]:
    with Tab(browser, dashboard.url, scripts=scripts) as one:
        sign_in(one, dashboard)
        yield one
        assert not one.elsewhere
        assert not [text for text in one.said if "422" not in text], "a form that is refused is no surprise"


def pasted(curl: str) -> int:
    """The status that the command, as it stands on the page, gets when it is pasted into a shell."""
    shell = shutil.which("sh")
    assert shell is not None
    done = subprocess.run([shell, "-c", curl], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[1])


def create(tab: Tab, alias: str, api: str, *, signs: bool) -> Page:
    page = tab.open("/keys")
    page.get_by_role("link", name="New key").click()
    page.get_by_label("Alias").fill(alias)
    page.locator(".when-apis").get_by_label(api).check()
    if signs:
        page.get_by_label("Use this key to verify JWTs (one secret per client)").check()
    page.get_by_role("button", name="Create key").click()
    page.get_by_role("heading", name="Key created").wait_for()
    return page


def curl_of(page: Page) -> str:
    return page.locator("#curl").inner_text()


def test_a_jwt_key_is_created_by_what_the_screen_says_and_the_offered_curl_passes(tab: Tab, scripts: bool) -> None:
    page = create(tab, f"Signer {scripts}", "Charges", signs=True)
    expect(page.get_by_text("Use this ID as kid")).to_be_visible()
    assert pasted(curl_of(page)) == 200
    if scripts:
        assert tab.violations() == []
    page.get_by_role("link", name="To the key's page").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Signer {scripts}")


def test_a_preview_shows_the_header_and_what_would_be_in_force(tab: Tab, scripts: bool) -> None:
    page = tab.open("/keys/new")
    page.get_by_label("Key ID").fill("acme-7")
    page.get_by_label("Charges").check()
    page.get_by_label("Use this key to verify JWTs").check()
    page.get_by_label("Signing method").select_option("HS512")
    header = '{"alg": "HS512", "typ": "JWT", "kid": "acme-7"}'
    if scripts:
        expect(page.locator("[data-header]")).to_have_text(header)
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("heading", name="What would be in force").wait_for()
    expect(page.locator("[data-header]")).to_have_text(header)
    expect(page.get_by_label("Key ID")).to_have_value("acme-7")
    if scripts:
        assert tab.violations() == []


def test_a_key_is_rotated_while_its_client_goes_on_and_the_old_one_is_retired(
    tab: Tab, dashboard: RunningDashboard, scripts: bool
) -> None:
    page = create(tab, f"Rotated {scripts}", "Payments", signs=False)
    old = curl_of(page)
    page.get_by_role("link", name="To the key's page").click()
    page.get_by_role("link", name="Rotate").wait_for()
    place = page.url
    page.get_by_role("link", name="Rotate").click()
    page.get_by_role("button", name="Rotate").click()
    page.get_by_role("heading", name="Generation 2 made").wait_for()
    new = curl_of(page)
    assert [pasted(old), pasted(new)] == [200, 200], "both are good while they overlap"
    page.goto(place)
    page.get_by_role("link", name="Retire generation 1").click()
    page.get_by_role("button", name="Retire").click()
    page.get_by_text("The generation is retired").wait_for()
    assert [pasted(old), pasted(new)] == [403, 200]


def test_a_key_is_deleted_and_the_next_request_with_it_is_refused(
    tab: Tab, dashboard: RunningDashboard, scripts: bool
) -> None:
    key_id = f"to-be-revoked-{scripts}"
    dashboard.gateway.api("POST", f"/tyk/keys/{key_id}", {**SESSION, "alias": f"Revoked {scripts}"})
    url, headers = f"{dashboard.gateway.url}/token/x", {"Authorization": key_id}
    assert request("GET", url, None, headers).status == 200
    page = tab.open("/keys")
    page.get_by_label("Find a key by anything").fill(key_id)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("The key is deleted").wait_for()
    assert request("GET", url, None, headers).status == 403


SESSION = {"org_id": "default", "expires": -1, "access_rights": {"token": {"api_id": "token", "versions": ["Default"]}}}


def test_many_keys_are_deleted_with_their_progress(tab: Tab, dashboard: RunningDashboard, scripts: bool) -> None:
    for number in range(60):
        dashboard.gateway.api("POST", f"/tyk/keys/old-{scripts}-{number}", {**SESSION, "tags": [f"old{scripts}"]})
    page = tab.open(f"/keys?tag=old{scripts}")
    page.get_by_role("button", name="Delete all that the filter shows").click()
    page.get_by_role("button", name="Delete 60 keys").click()
    if not scripts:
        expect(page.get_by_text("50 of 60 are deleted")).to_be_visible()
        page.get_by_role("button", name="Go on").click()
    page.get_by_text("The keys are deleted").wait_for()
    page.goto(f"{dashboard.url}/keys?tag=old{scripts}")
    expect(page.get_by_text("No key is like that")).to_be_visible()


def test_many_keys_are_imported_with_their_progress(tab: Tab, scripts: bool) -> None:
    keys = [{**SESSION, "alias": f"Of Tyk {one}", "legacy_hash": f"{scripts:d}{one:063x}"} for one in range(120)]
    page = tab.open("/keys/import")
    pieces: list[str] = []
    page.on("request", lambda asked: pieces.append(asked.method) if asked.method == "POST" else None)
    page.get_by_label("Keys", exact=True).fill(json.dumps(keys))
    page.get_by_role("button", name="Import").click()
    if not scripts:
        expect(page.get_by_text("100 of 120 are done")).to_be_visible()
        page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("120 imported, 0 replaced, 0 as they were")).to_be_visible()
    assert len(pieces) == 2


def test_a_problem_leads_to_its_line(tab: Tab, dashboard: RunningDashboard, scripts: bool) -> None:
    page = tab.open(f"/keys/{dashboard.key_hash}/json")
    text = page.get_by_label("Session").input_value()
    page.get_by_label("Session").fill(text.replace('"Warehouse sync"', "5"))
    page.get_by_role("button", name="Save").click()
    link = page.get_by_role("link", name="Line")
    link.wait_for()
    if scripts:
        link.click()
        chosen = "(area => area.value.slice(area.selectionStart, area.selectionEnd))(document.activeElement)"
        assert page.evaluate(chosen).strip() == '"alias": 5,'


def test_the_page_that_shows_a_key_once_fits_a_telephone(
    browser: Browser, dashboard: RunningDashboard, scripts: bool
) -> None:
    with Tab(browser, dashboard.url, size=PHONE, scripts=scripts) as tab:
        sign_in(tab, dashboard)
        create(tab, f"Phone {scripts}", "Charges", signs=True)
        assert tab.overflow() == 0
