"""Set up on request: an API of either mode, with what its first token needs (user-pains P15)."""

import re
from typing import Any

import pytest

from propylon.model.permissions import Area, Permissions
from tests.control.conftest import GatewayApi
from tests.dashboard.conftest import NewVisitor
from tests.kit.definitions import token_api
from tests.kit.fake_people import fake_user
from tests.kit.page_forms import send
from tests.kit.visitor import Visitor, text_of

TARGET = "http://127.0.0.1:9/"


def set_up(visitor: Visitor, mode: str, **changes: str) -> Any:
    path = f"/jwt-guide/{mode}"
    return send(visitor, visitor.get(path), path, {"target_url": TARGET, **changes})


@pytest.mark.parametrize(("mode", "made"), [("central", "Policy"), ("per-key", "JWT signing key")])
def test_either_mode_is_set_up_and_its_token_is_let_in(mode: str, made: str, api: GatewayApi, visitor: Visitor) -> None:
    page = set_up(visitor, mode, listen_path="/mine/")
    assert page.status_code == 200
    assert made in text_of(page)
    token = re.search(r"Bearer ([\w.-]+)", page.text)
    api_id = re.search(r'href="/apis/([0-9a-f]+)"', page.text)
    assert token is not None
    assert api_id is not None
    told = api.call("POST", "/tyk/explain", {"api_id": api_id[1], "token": token[1], "method": "GET"}).json()
    assert told["verdict"]["passes"], told
    assert told["api"]["jwt_mode"] == mode.replace("-", "_")
    assert "http://127.0.0.1:8080/mine/" in page.text, "the command is sent to where the gateway listens"


def test_its_secret_is_told_this_once(api: GatewayApi, visitor: Visitor) -> None:
    page = set_up(visitor, "per-key")
    secret = re.search(r'data-copy="([\w-]{43})"', page.text)
    assert secret is not None
    places = re.findall(r'href="(/(?:apis|keys)/[0-9a-f]+)"', page.text)
    assert len(places) >= 2
    assert all(secret[1] not in visitor.get(place).text for place in places)
    assert secret[1] not in api.call("GET", "/tyk/apis").text


@pytest.mark.parametrize("mode", ["central", "per-key"])
def test_what_cannot_be_set_up_leaves_nothing_behind(mode: str, api: GatewayApi, visitor: Visitor) -> None:
    api.call("POST", "/tyk/apis", token_api(TARGET))
    revision = api.revision()
    page = set_up(visitor, mode, listen_path="/token/", name="Kept")
    assert page.status_code == 422
    assert '<p id="listen_path-said" class="error">' in page.text
    assert 'value="Kept"' in page.text
    assert api.revision() == revision
    assert set_up(visitor, mode, name=" ").status_code == 422


@pytest.mark.parametrize(("mode", "area"), [("central", "policies"), ("per-key", "keys")])
def test_it_needs_the_rights_to_all_that_it_makes(mode: str, area: Area, new_visitor: NewVisitor) -> None:
    visitor = new_visitor(fake_user(permissions=Permissions(levels={"apis": "write", area: "read"})))
    visitor.sign_in()
    assert f'href="/jwt-guide/{mode}"' not in visitor.get("/jwt-guide").text
    answer = visitor.get(f"/jwt-guide/{mode}")
    assert answer.status_code == 403
    assert f"write {area}" in text_of(answer)


def test_there_are_two_modes(visitor: Visitor) -> None:
    assert visitor.get("/jwt-guide/third").status_code == 404
    page = visitor.get("/jwt-guide").text
    assert 'href="/jwt-guide/central"' in page
    assert 'href="/jwt-guide/per-key"' in page
