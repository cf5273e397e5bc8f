"""What a file owns: read on its pages, which say what file it is, and changed by none of them."""

import json
from pathlib import Path

import pytest

from tests.control.conftest import GatewayApi, Make
from tests.kit.definitions import policy, token_api
from tests.kit.page_forms import fields_of
from tests.kit.visitor import ORIGIN, Visitor, text_of

PAGES = ("/apis/token", "/apis/token/json", "/policies/gold", "/policies/gold/json")


@pytest.fixture
def api(make: Make, tmp_path: Path) -> GatewayApi:
    for name, document in (("apis", token_api("http://127.0.0.1:9/", name="Payments")), ("policies", policy("gold"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "owned.json").write_text(json.dumps(document))
    made = make(app_path=tmp_path / "apis", policy_path=tmp_path / "policies")
    assert made.call("GET", "/tyk/reload").status_code == 200
    return made


@pytest.mark.parametrize("path", PAGES)
def test_its_page_names_the_file_and_offers_nothing_to_write(path: str, visitor: Visitor) -> None:
    page = visitor.get(path)
    assert "owned by a file" in text_of(page)
    assert "owned.json" in page.text
    assert ">Save" not in page.text
    assert ">Delete" not in page.text
    assert "<fieldset" in page.text
    assert "disabled" in page.text
    assert "name" not in fields_of(page, path), "a browser sends no field of a form that is switched off"


@pytest.mark.parametrize("path", PAGES)
def test_a_form_that_is_sent_all_the_same_changes_nothing(path: str, api: GatewayApi, visitor: Visitor) -> None:
    csrf, revision = fields_of(visitor.get("/new/api"), "/new/api")["csrf"], api.revision()
    text = json.dumps({**token_api("http://127.0.0.1:9/", name="Mine")} if "apis" in path else policy("gold", rate=5))
    fields = {"csrf": csrf, "etag": "", "name": "Mine", "listen_path": "/x/", "target_url": "http://x/", "text": text}
    answer = visitor.send(
        "POST", path, {"Origin": ORIGIN}, data={**fields, "auth": "token", "active": "1", "header_name": "X-Key"}
    )
    assert answer.status_code == 422
    assert "owned_by_file" in answer.text
    assert api.revision() == revision


def test_it_is_not_deleted_either(api: GatewayApi, visitor: Visitor) -> None:
    csrf, revision = fields_of(visitor.get("/new/api"), "/new/api")["csrf"], api.revision()
    for path in ("/apis/token/delete", "/policies/gold/delete"):
        answer = visitor.send("POST", path, {"Origin": ORIGIN}, data={"csrf": csrf})
        assert answer.status_code == 409
        assert "owned.json" in answer.text
    assert api.revision() == revision
