"""A real browser for tests: Debian's Chromium, driven by Playwright. What it loads from elsewhere, and says, is kept.

`make test` installs it; where it is missing, a test that needs it fails and says what to do.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, cast

from playwright._impl._api_structures import SetCookieParam
from playwright.sync_api import Browser, Page, Request, Route, expect, sync_playwright

AXE = Path(__file__).parents[2] / "src/propylon/dashboard/npm/node_modules/axe-core/axe.min.js"
MISSING = "chromium is missing: install the package chromium, or run make test as root, which does"
NO_AXE = "axe-core is missing: run make assets with npm installed"
WITHIN_S = 30  # as long as Playwright waits for anything else; `expect` alone has 5 of its own
WIDE, PHONE = (1360, 900), (360, 740)
Scheme = Literal["light", "dark"]


@contextmanager
def running_browser() -> Iterator[Browser]:
    """One for many tests: it takes a second to start."""
    path = shutil.which("chromium")
    assert path is not None, MISSING
    expect.set_options(timeout=WITHIN_S * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Tab:
    """One page of one visitor, with cookies of its own. Use it in a `with`."""

    def __init__(
        self,
        browser: Browser,
        url: str,
        *,
        scheme: Scheme = "light",
        size: tuple[int, int] = WIDE,
        scripts: bool = True,
    ) -> None:
        self.url = url
        self.elsewhere: list[str] = []  # what was asked of other hosts; refused
        self.said: list[str] = []  # errors and warnings of the console
        self._context = browser.new_context(
            color_scheme=scheme,
            viewport={"width": size[0], "height": size[1]},
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        self._context.route(lambda asked: not asked.startswith((url, "data:")), self._refuse)
        self.page: Page = self._context.new_page()
        self.page.on("console", lambda one: self.said.append(one.text) if one.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    def __enter__(self) -> "Tab":
        return self

    def __exit__(self, *_: object) -> None:
        self._context.close()

    def open(self, path: str) -> Page:
        """Loaded whole, or the test fails."""
        answer = self.page.goto(self.url + path, wait_until="load")
        assert answer is not None
        assert answer.ok, f"{path} answered {answer.status}"
        return self.page

    def take_cookies_of(self, other: "Tab") -> None:
        self._context.add_cookies(cast(list[SetCookieParam], other._context.cookies()))

    def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        self._wait_for_styles()
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def beyond(self) -> list[str]:
        """What reaches out of the window, but for what scrolls by itself."""
        self._wait_for_styles()
        found: list[str] = self.page.evaluate(
            "[...document.querySelectorAll('body *')].filter(one => !one.closest('.scroll, .unseen, dialog')"
            " && one.getBoundingClientRect().right > innerWidth + 0.5)"
            ".map(one => `${one.tagName} ${one.className} ${one.getBoundingClientRect().right}`)"
        )
        return found

    def violations_in_both_schemes(self) -> list[str]:
        """In light all of them, in dark those that colours make."""
        found = self.violations()
        self.page.emulate_media(color_scheme="dark")
        found += self.violations("color-contrast", "link-in-text-block")
        self.page.emulate_media(color_scheme="light")
        return found

    def violations(self, *rules: str) -> list[str]:
        """Of accessibility, as axe finds them: rule, and where. `rules`: of these alone."""
        assert AXE.exists(), NO_AXE
        self._wait_for_styles()
        # Past our own policy, which forbids what is not ours: the browser's debugger is not bound by it.
        options = {"resultTypes": ["violations"], "performanceTimer": False, **({"runOnly": rules} if rules else {})}
        if self.page.evaluate("typeof axe") == "undefined":
            self.page.evaluate(f"{AXE.read_text()}; undefined")
        found: Any = self.page.evaluate("options => axe.run(document, options)", options)
        return [f"{one['id']}: {[node['target'] for node in one['nodes']]}" for one in found["violations"]]

    def _wait_for_styles(self) -> None:
        """A heading is found as soon as it is read, which may be before the style sheet has come."""
        self.page.wait_for_load_state("load")

    def _refuse(self, route: Route, asked: Request) -> None:
        self.elsewhere.append(asked.url)
        route.abort()
