"""No page answers with a secret that was typed into the one before, and what was typed is not lost by that."""

import asyncio
import json
from base64 import b64encode
from typing import Any

import httpx
import pytest

from propylon.dashboard.typed_secrets import FIELD, GOOD_S, shown_text
from propylon.model.session_secrets import fingerprint
from tests.control.conftest import GatewayApi
from tests.dashboard.conftest import NewVisitor
from tests.kit.definitions import jwt_api, session, token_api
from tests.kit.fake_people import fake_user
from tests.kit.page_forms import fields_of, send
from tests.kit.tokens import SECRET
from tests.kit.visitor import Visitor, text_of

TARGET = "http://127.0.0.1:9/"
CANARY = "canary-secret-of-somebody-who-types-0001"
CANARY_64 = b64encode(CANARY.encode()).decode()
PRIVATE = f"-----BEGIN PRIVATE KEY-----\n{CANARY_64}\n-----END PRIVATE KEY-----"
CENTRAL = {"auth": "jwt", "jwt_mode": "central", "source_kind": "secret", "secret": CANARY}
SIGNING = {"alias": "Acme", "access": "apis", "api": "jwt", "is_jwt": "1", "material": "secret", "secret": CANARY}
OF_PEM = {"is_jwt": "1", "material": "pem", "pem": PRIVATE}


@pytest.fixture(autouse=True)
def key_hash(api: GatewayApi) -> str:
    """Of a JWT signing key, beside two APIs."""
    assert api.call("POST", "/tyk/apis", token_api(TARGET, name="Payments")).status_code == 200
    assert api.call("POST", "/tyk/apis", jwt_api(TARGET, name="Charges")).status_code == 200
    made = api.call("POST", "/tyk/keys/acme", session("jwt", jwt_data={"secret": SECRET}))
    return str(made.json()["key_hash"])


def stored(api: GatewayApi, path: str) -> dict[str, Any]:
    return dict(api.call("GET", path).json())


def holds(answer: httpx.Response) -> list[str]:
    return [one for one in (CANARY, CANARY_64) if one in answer.text]


def sent(visitor: Visitor, path: str, changes: dict[str, Any], action: str = "") -> httpx.Response:
    return send(visitor, visitor.get(path), action or path, changes)


def with_json(visitor: Visitor, path: str, field: str, **members: Any) -> httpx.Response:
    page = visitor.get(path)
    document = json.loads(str(fields_of(page, path)[field])) | members
    return send(visitor, page, path, {field: json.dumps(document)})


# -- that nothing comes back ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("/apis/jwt", CENTRAL),  # the question before it
        ("/apis/jwt", {**CENTRAL, "listen_path": ""}),
        ("/apis/jwt", {**CENTRAL, "rate": "many"}),
        ("/apis/jwt", {**CENTRAL, "etag": "0000"}),  # somebody else came first
        ("/apis/jwt", {**CENTRAL, "source_kind": "public_key", "public_key": PRIVATE, "listen_path": ""}),
        ("/new/api", CENTRAL),
        ("/keys/new", {**SIGNING, "do": "preview"}),
        ("/keys/new", {**SIGNING, "do": "choose"}),
        ("/keys/new", {**SIGNING, "do": "create", "alias": "x" * 5_000, "rate": "many"}),
        ("/keys/new", {**SIGNING, **OF_PEM, "do": "create"}),
        ("/keys/new", {**SIGNING, **OF_PEM, "do": "choose"}),
        ("/keys/{key}/rotate", {"material": "secret", "secret": CANARY, "end": "date", "date": "never"}),
        ("/keys/{key}/rotate", {"material": "pem", "pem": PRIVATE, "end": "open"}),
        ("/apis/jwt/json", {"text": f'{{"jwt_source": "{CANARY_64}", "name": }}'}),
        ("/new/api/json", {"text": f'{{"jwt_source": "{CANARY_64}", "jwt_signing_method": "hmac", "name": 1}}'}),
        ("/keys/{key}/json", {"document": f'{{"jwt_data": {{"secret": "{CANARY}"}}, '}),
        ("/keys/{key}/json", {"document": f'{{"jwt_data": {{"secret": "{CANARY}"}}, "rate": "many"}}'}),
        ("/keys/{key}/json", {"document": f'{{"jwt_data": {{"secret": "{CANARY}"}}}}', "etag": "0000"}),
    ],
    ids=str,
)
def test_what_is_asked_again_or_refused_comes_back_without_the_secret(
    path: str, changes: dict[str, str], key_hash: str, visitor: Visitor
) -> None:
    answer = sent(visitor, path.format(key=key_hash), changes)
    assert answer.status_code in (200, 412, 422), answer.text
    assert holds(answer) == []


def test_a_draft_whose_json_is_no_json_is_told_of_its_secret(visitor: Visitor) -> None:
    answer = sent(visitor, "/apis/jwt/json", {"text": f'{{"jwt_source": "{CANARY_64}", "name": }}'})
    assert "type them again" in text_of(answer)
    assert fields_of(answer, "/apis/jwt/json")["text"] == '{"jwt_source": "", "name": }'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"secret": "a\\"b", "x": 1', '{"secret": "", "x": 1'),
        ('{"secret" :"ab\n"x": 1', '{"secret" :""\n"x": 1'),
        ('{"jwt_source": "https://id.example.com/j", }', '{"jwt_source": "https://id.example.com/j", }'),
        ('{"secret": "", "name": "key", }', '{"secret": "", "name": "key", }'),
    ],
)
def test_of_a_text_that_is_no_json_what_looks_like_a_secret_is_taken_out(text: str, shown: str) -> None:
    assert shown_text(text) == shown


# -- that nothing is lost ---------------------------------------------------------------------------------------------


def test_a_question_is_answered_with_what_was_typed(api: GatewayApi, visitor: Visitor) -> None:
    asked = sent(visitor, "/apis/jwt", CENTRAL)
    assert send(visitor, asked, "/apis/jwt", {"do": "save"}).status_code == 303
    assert stored(api, "/tyk/apis/jwt")["jwt_source_fingerprint"] == fingerprint(CANARY_64)


def test_who_goes_back_from_the_question_need_not_type_it_again(api: GatewayApi, visitor: Visitor) -> None:
    back = send(visitor, sent(visitor, "/apis/jwt", CENTRAL), "/apis/jwt", {"do": "back"})
    assert (holds(back), "What you typed is kept" in text_of(back)) == ([], True)
    asked = send(visitor, back, "/apis/jwt", {"name": "Renamed"})
    assert send(visitor, asked, "/apis/jwt", {"do": "save"}).status_code == 303
    api_now = stored(api, "/tyk/apis/jwt")
    assert (api_now["name"], api_now["jwt_source_fingerprint"]) == ("Renamed", fingerprint(CANARY_64))


def test_another_secret_takes_the_place_of_the_one_before(api: GatewayApi, visitor: Visitor) -> None:
    other = "another-secret-of-somebody-who-types-0002"
    back = send(visitor, sent(visitor, "/apis/jwt", CENTRAL), "/apis/jwt", {"do": "back"})
    asked = send(visitor, back, "/apis/jwt", {"secret": other})
    send(visitor, asked, "/apis/jwt", {"do": "save"})
    expected = fingerprint(b64encode(other.encode()).decode())
    assert stored(api, "/tyk/apis/jwt")["jwt_source_fingerprint"] == expected


def test_a_form_with_an_error_is_mended_without_typing_the_secret_again(api: GatewayApi, visitor: Visitor) -> None:
    changes = {**CENTRAL, "name": "New", "api_id": "new", "target_url": TARGET, "listen_path": "/new/"}
    wrong = sent(visitor, "/new/api", {**changes, "rate": "many"})
    assert send(visitor, wrong, "/new/api", {"rate": ""}).status_code == 303
    assert stored(api, "/tyk/apis/new")["jwt_source_fingerprint"] == fingerprint(CANARY_64)


def test_a_key_is_made_with_the_secret_that_was_previewed(api: GatewayApi, visitor: Visitor) -> None:
    page = sent(visitor, "/keys/new", {**SIGNING, "key_id": "previewed", "do": "preview"})
    made = send(visitor, page, "/keys/new", {"do": "create"})
    assert "Use this ID as kid" in text_of(made)
    assert stored(api, "/tyk/keys/previewed")["jwt_data"]["secret_fingerprint"] == fingerprint(CANARY)


def test_a_rotation_is_mended_without_typing_the_secret_again(api: GatewayApi, key_hash: str, visitor: Visitor) -> None:
    place = f"/keys/{key_hash}/rotate"
    wrong = sent(visitor, place, {"material": "secret", "secret": CANARY, "end": "date", "date": "never"})
    assert send(visitor, wrong, place, {"end": "open"}).status_code == 200
    assert stored(api, f"/tyk/keys/{key_hash}")["jwt_data"]["secret_fingerprint"] == fingerprint(CANARY)


def test_json_of_an_api_is_mended_without_typing_the_secret_again(api: GatewayApi, visitor: Visitor) -> None:
    path = "/new/api/json"
    document = jwt_api(TARGET, "new", jwt_source=CANARY_64)
    wrong = sent(visitor, path, {"text": json.dumps({**document, "active": "perhaps"})})
    assert (wrong.status_code, holds(wrong)) == (422, [])
    malformed = send(visitor, wrong, path, {"text": str(fields_of(wrong, path)["text"]).replace("{", "", 1)})
    text = str(fields_of(wrong, path)["text"]).replace('"perhaps"', "true")
    assert send(visitor, malformed, path, {"text": text}).status_code == 303
    assert stored(api, "/tyk/apis/new")["jwt_source_fingerprint"] == fingerprint(CANARY_64)


def test_json_of_a_key_is_mended_without_typing_the_secret_again(
    api: GatewayApi, key_hash: str, visitor: Visitor
) -> None:
    path = f"/keys/{key_hash}/json"
    wrong = with_json(visitor, path, "document", jwt_data={"secret": CANARY, "algorithm": "HS256"}, rate="many")
    assert (wrong.status_code, holds(wrong)) == (422, [])
    text = str(fields_of(wrong, path)["document"]).replace('"many"', "5")
    assert send(visitor, wrong, path, {"document": text}).status_code == 303
    assert stored(api, f"/tyk/keys/{key_hash}")["jwt_data"]["secret_fingerprint"] == fingerprint(CANARY)


def test_an_address_of_keys_that_is_written_instead_is_not_replaced_by_what_was_typed_before(
    api: GatewayApi, visitor: Visitor
) -> None:
    asked = sent(visitor, "/apis/jwt/json", {"text": json.dumps(jwt_api(TARGET, jwt_source=CANARY_64))})
    back = send(visitor, asked, "/apis/jwt/json", {"do": "back"})
    address = "https://id.example.com/jwks.json"
    document = json.loads(str(fields_of(back, "/apis/jwt/json")["text"])) | {"jwt_source": address}
    asked = send(visitor, back, "/apis/jwt/json", {"text": json.dumps(document)})
    assert send(visitor, asked, "/apis/jwt/json", {"do": "save"}).status_code == 303
    assert stored(api, "/tyk/apis/jwt")["jwt_source"] == address


# -- for whom, and how long -------------------------------------------------------------------------------------------


def test_what_is_sealed_is_good_for_half_an_hour(api: GatewayApi, visitor: Visitor) -> None:
    before = stored(api, "/tyk/apis/jwt")
    asked = sent(visitor, "/apis/jwt", CENTRAL)
    asyncio.run(api.clock.advance(GOOD_S))
    late = send(visitor, asked, "/apis/jwt", {"do": "save"})
    assert (late.status_code, "type it again" in text_of(late)) == (400, True)
    assert stored(api, "/tyk/apis/jwt") == before


def test_what_is_sealed_is_good_for_who_typed_it_and_for_that_form_alone(
    api: GatewayApi, visitor: Visitor, new_visitor: NewVisitor
) -> None:
    before = stored(api, "/tyk/apis/jwt")
    mine = fields_of(sent(visitor, "/apis/jwt", CENTRAL), "/apis/jwt")
    other = new_visitor(fake_user("other@example.com"))
    assert other.sign_in("other@example.com").status_code == 303
    theirs = fields_of(sent(other, "/apis/jwt", CENTRAL), "/apis/jwt")
    assert send(other, other.get("/apis/jwt"), "/apis/jwt", {**mine, "csrf": theirs["csrf"]}).status_code == 400
    elsewhere = {**CENTRAL, "secret": "", FIELD: mine[FIELD]}
    assert sent(visitor, "/apis/token", elsewhere).status_code == 400
    damaged = {**mine, FIELD: f"{str(mine[FIELD])[:-4]}AAAA"}
    assert send(visitor, visitor.get("/apis/jwt"), "/apis/jwt", damaged).status_code == 400
    assert stored(api, "/tyk/apis/jwt") == before
