"""Keys of Tyk imported on a page: a piece at a time, each whole, and no secret in any answer."""

import json
import re
from typing import Any

import pytest

from propylon.dashboard.pages.keys_import import PIECE, TEXT_MAX_BYTES
from tests.control.conftest import GatewayApi
from tests.kit.definitions import session
from tests.kit.page_forms import send
from tests.kit.tokens import SECRET
from tests.kit.visitor import Visitor, forms, text_of

PAGE = "/keys/import"


def tyk_keys(number: int, **members: Any) -> list[dict[str, Any]]:
    return [
        {**session("token", alias=f"caller {one}", **members), "legacy_hash": f"{one:064x}"} for one in range(number)
    ]


def begin(visitor: Visitor, document: Any, **fields: str) -> Any:
    text = document if isinstance(document, str) else json.dumps(document)
    return send(visitor, visitor.get(PAGE), PAGE, {"document": text, **fields})


def waiting(api: GatewayApi) -> tuple[int, int]:
    told = api.call("GET", "/tyk/keys/audit-hashes").json()
    return told["keys"], told["waiting"]


def test_many_keys_are_imported_in_pieces_whose_progress_shows(api: GatewayApi, visitor: Visitor) -> None:
    number = 2 * PIECE + 5
    pages = [begin(visitor, tyk_keys(number))]
    for _ in range(2):
        pages.append(visitor.submit(pages[-1], PAGE))
    assert [re.findall(r"(\d+) of (\d+) are done", page.text) for page in pages] == [
        [(str(PIECE), str(number))],
        [(str(2 * PIECE), str(number))],
        [],
    ]
    assert f"{number} imported, 0 replaced, 0 as they were" in text_of(pages[-1])
    assert waiting(api) == (number, number)


def test_listed_ids_find_their_keys_when_all_of_them_are_there(api: GatewayApi, visitor: Visitor) -> None:
    keys = [{**session("token"), "legacy_hash": "f80eb96c"}]
    page = begin(visitor, {"keys": keys, "key_ids": ["aaa-bbb-999", "nobody-s"]})
    assert page.status_code == 200
    assert "1 imported" in text_of(page)
    assert re.search(r"\d of the listed IDs found their key, \d are nobody's", text_of(page))


def test_a_fault_is_told_by_the_number_of_its_key_and_the_same_text_may_be_sent_again(
    api: GatewayApi, visitor: Visitor
) -> None:
    keys = tyk_keys(PIECE + 3)
    wrong = [*keys[:-1], {**keys[-1], "legacy_hash": "no hash"}]
    page = visitor.submit(begin(visitor, wrong), PAGE)
    assert page.status_code == 422
    assert f"Key {PIECE + 3}: legacy_hash" in text_of(page)
    assert f"{PIECE} keys are done" in text_of(page)
    assert waiting(api) == (PIECE, PIECE)
    page = visitor.submit(begin(visitor, keys), PAGE)
    assert f"3 imported, 0 replaced, {PIECE} as they were" in text_of(page)


def test_keys_that_differ_are_replaced_where_that_was_ticked(api: GatewayApi, visitor: Visitor) -> None:
    assert begin(visitor, tyk_keys(2)).status_code == 200
    refused = begin(visitor, tyk_keys(2, tags=["new"]))
    assert refused.status_code == 422
    assert "Nothing was imported" in text_of(refused)
    assert "2 replaced" in text_of(begin(visitor, tyk_keys(2, tags=["new"]), replaces="1"))


def test_no_answer_has_a_secret_of_a_key(visitor: Visitor) -> None:
    keys = tyk_keys(PIECE + 1, jwt_data={"secret": SECRET})
    begun = begin(visitor, keys)
    wrong = begin(visitor, [*keys, {"legacy_hash": 1}])
    malformed = begin(visitor, json.dumps(keys) + "]")
    for page in (begun, wrong, malformed, visitor.submit(begun, PAGE)):
        assert SECRET not in page.text
    assert "caller 3" in malformed.text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not JSON"),
        ("[1]", "nothing to import"),
        ("[]", "nothing to import"),
        ("7", "something else"),
        ('{"keys": [], "ids": []}', "something else"),
        ('{"keys": {}}', "nothing to import"),
        ("[" + " " * TEXT_MAX_BYTES + "]", "in several goes"),
        ('[{"legacy_hash": "f80eb96c"}]', "Key 1:"),
        ('[{"legacy_hash": "f80eb96c", "org_id": "another"}]', ""),
    ],
)
def test_what_cannot_be_imported_is_refused_in_words(text: str, why: str, api: GatewayApi, visitor: Visitor) -> None:
    page = begin(visitor, text)
    assert page.status_code in (403, 422)
    assert why in text_of(page)
    assert waiting(api) == (0, 0)


def test_what_is_left_is_good_for_whoever_typed_it_alone(visitor: Visitor) -> None:
    page = begin(visitor, tyk_keys(PIECE + 1))
    (form,) = [one for one in forms(page) if one.action == PAGE]
    assert form.fields["sealed"]
    tampered = visitor.submit(page, PAGE, sealed=form.fields["sealed"][:-4] + "AAAA")
    assert tampered.status_code == 400
