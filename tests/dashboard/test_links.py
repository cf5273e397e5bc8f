"""Every address that a template writes out is that of a page."""

import re
from pathlib import Path

import pytest
from starlette.routing import compile_path

import propylon.dashboard
from propylon.dashboard.routes import PAGES
from tests.control.conftest import GatewayApi
from tests.kit.definitions import session, token_api
from tests.kit.visitor import Visitor

TEMPLATES = sorted((Path(propylon.dashboard.__file__).parent / "templates").glob("*.html"))
ADDRESS = re.compile(r"""(href|action|formaction|hx-get|hx-post)="(/[^"]*?)(?:[?#][^"]*)?\"""")
VALUE = re.compile(r"\{\{.*?\}\}")
NO_PAGES = ("/static/",)


def patterns(method: str) -> list[re.Pattern[str]]:
    return [compile_path(page.path)[0] for page in PAGES if page.method == method]


def addresses(template: Path) -> list[tuple[str, str]]:
    """(method, path), with a word in the place of each value."""
    text = VALUE.sub("x", template.read_text())
    found = [(name, path) for name, path in ADDRESS.findall(text) if not path.startswith(NO_PAGES) and "{%" not in path]
    return [("GET" if name in ("href", "hx-get") or _is_search(text, path) else "POST", path) for name, path in found]


def _is_search(text: str, path: str) -> bool:
    return f'method="get" action="{path}"' in text


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.name)
def test_an_address_leads_to_a_page(template: Path) -> None:
    lost = [(verb, path) for verb, path in addresses(template) if not any(p.match(path) for p in patterns(verb))]
    assert lost == []


def test_the_page_of_a_key_leads_to_all_its_traffic(api: GatewayApi, visitor: Visitor) -> None:
    api.call("POST", "/tyk/apis", token_api("http://127.0.0.1:9/"))
    key_hash = api.call("POST", "/tyk/keys/a-key", session("token")).json()["key_hash"]
    page = visitor.get(f"/keys/{key_hash}").text
    (path,) = re.findall(r'href="([^"]+)">All traffic of this key', page)
    assert visitor.get(path).status_code == 200
