"""`python -m tests.kit.screenshots FOLDER`: pictures of the main pages, for the documents."""

import sys
from pathlib import Path

from tests.kit.browser import PHONE, WIDE, Scheme, Tab, running_browser
from tests.kit.dashboard import RunningDashboard, running_dashboard

PICTURES: tuple[tuple[str, str, Scheme, tuple[int, int]], ...] = (
    ("overview", "/", "light", WIDE),
    ("overview-dark", "/", "dark", WIDE),
    ("overview-phone", "/", "light", PHONE),
    ("keys", "/keys", "light", WIDE),
    ("key", "/keys/{key_hash}", "light", WIDE),
    ("jwt-guide", "/jwt-guide", "light", WIDE),
    ("activity", "/activity", "light", WIDE),
    ("activity-keys", "/activity/callers", "light", WIDE),
    ("activity-caller", "/activity/callers/{key_hash}", "dark", WIDE),
    ("request-log", "/logs", "light", WIDE),
    ("apis", "/apis", "light", WIDE),
    ("api", "/apis/jwt", "light", WIDE),
    ("policy", "/policies/gold", "light", WIDE),
    ("users", "/users", "light", WIDE),
    ("user-new", "/users/new", "light", WIDE),
    ("audit", "/audit", "light", WIDE),
)


def sign_in(tab: Tab, dashboard: RunningDashboard) -> None:
    page = tab.open("/login")
    page.get_by_label("E-mail address").fill(dashboard.email)
    page.get_by_label("Password").fill(dashboard.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", level=1, name="Overview").wait_for()


def check_a_token(tab: Tab, dashboard: RunningDashboard) -> None:
    page = tab.open("/token-checker")
    page.get_by_label("API").select_option("jwt")
    page.get_by_label("Token or key").fill(dashboard.token("acm"))
    page.get_by_role("button", name="Check").click()
    page.get_by_role("heading", name="It would be refused").wait_for()


def make_a_jwt_key(tab: Tab, dashboard: RunningDashboard) -> None:
    page = tab.open("/keys/new")
    page.get_by_label("Alias").fill("Acme Ltd")
    page.get_by_label("Key ID").fill("acme-2027")
    page.locator(".when-apis").get_by_label("Charges").check()
    page.get_by_label("Use this key to verify JWTs").check()
    page.get_by_role("button", name="Create key").click()
    page.get_by_role("heading", name="Key created").wait_for()


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with running_dashboard() as dashboard, running_browser() as browser:
        for name, path, scheme, size in PICTURES:
            with Tab(browser, dashboard.url, scheme=scheme, size=size) as tab:
                sign_in(tab, dashboard)
                page = tab.open(path.format(key_hash=dashboard.key_hash))
                page.evaluate("document.fonts.ready")
                page.screenshot(path=folder / f"{name}.png")
        with Tab(browser, dashboard.url) as tab:
            tab.open("/login").screenshot(path=folder / "sign-in.png")
            sign_in(tab, dashboard)
            check_a_token(tab, dashboard)
            tab.page.screenshot(path=folder / "token-checker.png")
            tab.open("/keys/new").screenshot(path=folder / "key-new.png")
            make_a_jwt_key(tab, dashboard)
            tab.page.screenshot(path=folder / "key-made.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
