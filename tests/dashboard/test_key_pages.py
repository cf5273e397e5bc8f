"""The screens of keys, over plain HTTP: what each form does, refuses and shows again."""

import json
import re
from typing import Any

import pytest
from sqlalchemy import text

from propylon.dashboard.pages import keys_delete
from propylon.model.permissions import Permissions
from tests.control.conftest import GatewayApi
from tests.dashboard.conftest import NewVisitor
from tests.kit.definitions import jwt_api, policy, session, token_api
from tests.kit.fake_people import fake_user
from tests.kit.page_forms import fields_of, send
from tests.kit.tokens import SECRET, public_pem, rsa_key
from tests.kit.visitor import Visitor, forms, text_of

TARGET = "http://127.0.0.1:9/"
READER = fake_user("rita@example.com", permissions=Permissions(levels={"keys": "read"}))
FORM = {"alias": "Acme", "access": "apis", "api": "token", "do": "create"}


@pytest.fixture(autouse=True)
def _definitions(api: GatewayApi) -> None:
    assert api.call("POST", "/tyk/apis", token_api(TARGET, name="Payments")).status_code == 200
    assert api.call("POST", "/tyk/apis", jwt_api(TARGET, name="Charges")).status_code == 200
    central = jwt_api(TARGET, "central", name="Ledger", jwt_source="c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldC0=")
    assert api.call("POST", "/tyk/apis", central).status_code == 200
    assert api.call("POST", "/tyk/policies", policy("gold", "token", name="Gold", rate=7, per=60)).status_code == 200


def add_key(api: GatewayApi, key_id: str, api_id: str = "token", **members: Any) -> str:
    """Its hash."""
    answer = api.call("POST", f"/tyk/keys/{key_id}", session(api_id, **members))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["key_hash"])


def stored(api: GatewayApi, key_hash: str) -> dict[str, Any]:
    document: dict[str, Any] = api.call("GET", f"/tyk/keys/{key_hash}").json()
    return document


def submit(visitor: Visitor, page: Any, action: str, **fields: str | list[str]) -> Any:
    """The form of the page that leads there, with these fields otherwise; [] sends none of a name."""
    return send(visitor, page, action, fields)


def create(visitor: Visitor, **fields: str | list[str]) -> Any:
    return submit(visitor, visitor.get("/keys/new"), "/keys/new", **{**FORM, **fields})


# -- creating ---------------------------------------------------------------------------------------------------------


def test_a_new_key_is_shown_once_with_its_hash_and_a_request_that_was_tried(api: GatewayApi, visitor: Visitor) -> None:
    made = create(visitor, rate="5", per="1", tags="eu, batch", meta_name=["team", ""], meta_value=["billing", ""])
    assert made.status_code == 200
    assert "Key created" in text_of(made)
    assert "tried: it would be let in" in text_of(made)
    key_id = re.search(r"ppk_\w+", made.text)
    assert key_id is not None
    assert f"curl -i -H &#39;Authorization: {key_id[0]}&#39;" in made.text
    key = stored(api, key_id[0])
    assert (key["alias"], key["rate"], key["per"], key["tags"]) == ("Acme", 5, 1, ["eu", "batch"])
    assert (key["meta_data"], key["org_id"]) == ({"team": "billing"}, "default")
    assert key["key_hash"] in made.text
    for path in ("/keys", "/keys/new", f"/keys/{key['key_hash']}"):
        assert key_id[0] not in visitor.get(path).text


def test_the_answer_of_a_form_loaded_again_makes_no_second_key(api: GatewayApi, visitor: Visitor) -> None:
    page = visitor.get("/keys/new")
    assert submit(visitor, page, "/keys/new", **FORM).status_code == 200
    again = submit(visitor, page, "/keys/new", **FORM)
    assert again.status_code == 409
    assert "This form was sent already" in again.text
    assert len(api.call("GET", "/tyk/keys").json()["keys"]) == 1


def test_a_jwt_key_comes_with_a_sample_token_that_the_api_would_let_in(api: GatewayApi, visitor: Visitor) -> None:
    made = create(visitor, api="jwt", is_jwt="1", material="generate", key_id="acme-1")
    shown = text_of(made)
    assert "Use this ID as kid" in shown
    assert "tried: it would be let in" in shown
    token = re.search(r"Bearer (eyJ[\w.-]+)", made.text)
    assert token is not None
    explained = api.call("POST", "/tyk/explain", {"api_id": "jwt", "token": token[1]}).json()
    assert explained["verdict"]["passes"]
    assert explained["identity"]["name"] == "Acme"
    key = stored(api, "acme-1")
    assert (key["kind"], key["jwt_data"]["algorithm"]) == ("jwt_key", "HS256")
    secret = re.search(r"Secret, to sign with HS256</p>\s*<span class=\"copy\"><code title=\"([\w-]+)\"", made.text)
    assert secret is not None
    for path in ("/keys", f"/keys/{key['key_hash']}", f"/keys/{key['key_hash']}/edit", f"/keys/{key['key_hash']}/json"):
        assert secret[1] not in visitor.get(path).text


def test_what_an_api_asks_of_tokens_is_in_the_sample(api: GatewayApi, visitor: Visitor) -> None:
    asking = jwt_api(
        TARGET,
        "strict",
        name="Strict",
        jwt_allowed_audiences=["shop"],
        jwt_allowed_issuers=["me"],
        jwt_allowed_subjects=["ada"],
        jwt_jti_validation={"enabled": True},
        jwt_custom_claim_validation={"user.tier": {"type": "exact_match", "allowed_values": ["gold"]}},
    )
    assert api.call("POST", "/tyk/apis", asking).status_code == 200
    made = create(visitor, api="strict", is_jwt="1", material="secret", secret=SECRET)
    assert "tried: it would be let in" in text_of(made)


def test_a_client_with_a_key_pair_is_told_how_to_sign(api: GatewayApi, visitor: Visitor) -> None:
    assert api.call("POST", "/tyk/apis", jwt_api(TARGET, "rs", name="Rs", jwt_signing_method="rsa")).status_code == 200
    made = create(visitor, api="rs", is_jwt="1", material="pem", pem=public_pem(rsa_key()), key_id="it's me")
    shown = text_of(made)
    assert (
        "TOKEN=$(propylon jwt sign --key private.pem --alg RS256 --kid &#39;it&#39;&#34;&#39;&#34;&#39;s me&#39;"
        in made.text
    )
    assert "-H &#34;Authorization: Bearer $TOKEN&#34;" in made.text
    assert "tried" not in shown
    assert stored(api, "it's me")["jwt_data"]["algorithm"] == "RS256"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"api": []}, "access"),
        ({"access": "policies"}, "access"),
        ({"rate": "often", "per": "1"}, "rate"),
        ({"life": "date", "expires_date": "2020-01-01T00:00"}, "expires_date"),
        ({"paths:token": "GET /a(["}, "paths:token"),
        ({"is_jwt": "1", "material": "secret", "secret": " "}, "secret"),
        ({"is_jwt": "1", "material": "secret", "secret": "-----BEGIN PUBLIC KEY-----"}, "secret"),
        ({"is_jwt": "1", "material": "pem", "pem": "nothing"}, "pem"),
        ({"is_jwt": "1", "material": "pem", "pem": "-----BEGIN PRIVATE KEY-----"}, "pem"),
        ({"is_jwt": "1", "material": "generate", "algorithm": "RS256"}, "material"),
        ({"is_jwt": "1", "material": "secret", "secret": SECRET, "algorithm": "ES256"}, "algorithm"),
        ({"is_jwt": "1", "material": "secret", "secret": "sha256:0123456789abcdef"}, "secret"),
    ],
    ids=str,
)
@pytest.mark.parametrize("do", ["create", "preview"])
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_stored(
    do: str, fields: dict[str, Any], field: str, api: GatewayApi, visitor: Visitor
) -> None:
    page = submit(visitor, visitor.get("/keys/new?api=token"), "/keys/new", **{**FORM, **fields, "do": do})
    assert page.status_code == 422
    places = {
        "access": 'class="error block" role="alert">Choose',
        "material": f'class="error">{fields.get("algorithm", "")} uses',
    }
    assert places.get(field, f'id="{field}-said" class="error"') in page.text
    assert "Nothing was stored" in page.text
    assert 'value="Acme"' in page.text, "what was typed is kept"
    assert api.call("GET", "/tyk/keys").json()["keys"] == []


@pytest.mark.parametrize("key_id", ["a/b", "x"])
def test_an_id_that_no_client_could_send_is_refused_at_its_field(key_id: str, visitor: Visitor) -> None:
    page = create(visitor, key_id=key_id)
    assert page.status_code == 422
    assert 'id="key_id-said" class="error"' in page.text


def test_an_id_that_is_taken_is_said_at_its_field(api: GatewayApi, visitor: Visitor) -> None:
    add_key(api, "taken-already")
    page = create(visitor, key_id="taken-already")
    assert page.status_code == 422
    assert "There is a key with this ID already" in page.text
    assert stored(api, "taken-already")["alias"] == ""


def test_a_preview_shows_what_policies_make_of_it_and_stores_nothing(api: GatewayApi, visitor: Visitor) -> None:
    page = create(visitor, access="policies", policy="gold", rate="1", per="1", do="preview")
    shown = text_of(page)
    assert "What would be in force" in shown
    assert "7 per 60 s" in shown
    assert "policy gold" in shown
    assert api.call("GET", "/tyk/keys").json()["keys"] == []


@pytest.mark.parametrize("do", ["create", "preview"])
def test_a_secret_that_would_not_be_used_is_warned_of(do: str, visitor: Visitor) -> None:
    page = create(visitor, api="central", is_jwt="1", material="generate", do=do)
    assert page.status_code == 200
    assert "Ledger verifies all tokens with the keys that its definition names" in text_of(page)


def test_a_signing_method_that_the_api_does_not_take_is_warned_of(visitor: Visitor) -> None:
    made = create(visitor, api="jwt", is_jwt="1", material="pem", pem=public_pem(rsa_key()), algorithm="RS256")
    said = "Charges takes tokens signed with HS256, HS384, HS512; those signed with RS256 are refused there"
    assert said in text_of(made)


def test_the_fields_of_an_api_come_once_it_is_chosen(visitor: Visitor) -> None:
    assert "Payments: paths and limits" not in visitor.get("/keys/new").text
    assert "Payments: paths and limits" in create(visitor, do="choose").text


# -- changing ---------------------------------------------------------------------------------------------------------


def test_a_form_changes_what_was_typed_and_counters_go_on(api: GatewayApi, visitor: Visitor) -> None:
    key_hash = add_key(api, "a-key", "jwt", alias="Old", jwt_data={"secret": SECRET}, quota_max=9)
    generation = api.run(api.desk.records.key(key_hash)).generation
    page = visitor.get(f"/keys/{key_hash}/edit")
    answer = submit(visitor, page, f"/keys/{key_hash}/edit", alias="New", do="save")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/keys/{key_hash}?done=key_changed")
    key = stored(api, key_hash)
    assert (key["alias"], key["quota_max"], key["kind"]) == ("New", 9, "jwt_key")
    assert api.run(api.desk.records.key(key_hash)).generation == generation
    assert "The key is changed" in visitor.get(answer.headers["location"]).text


@pytest.mark.parametrize("editor", ["edit", "json"])
def test_a_lost_race_stores_nothing_keeps_what_was_typed_and_says_what_changed(
    editor: str, api: GatewayApi, visitor: Visitor
) -> None:
    key_hash = add_key(api, "a-key", alias="Before")
    place, page = f"/keys/{key_hash}/{editor}", visitor.get(f"/keys/{key_hash}/{editor}")
    theirs = {**stored(api, key_hash), "alias": "Theirs"}
    assert api.call("PUT", f"/tyk/keys/{key_hash}", theirs).status_code == 200
    mine = {**stored(api, key_hash), "alias": "Mine"}
    fields = {"alias": "Mine", "do": "save"} if editor == "edit" else {"document": json.dumps(mine)}
    lost = submit(visitor, page, place, **fields)
    assert lost.status_code == 412
    assert "somebody changed the key" in text_of(lost)
    assert "alias Theirs Mine" in text_of(lost)
    assert "Mine" in lost.text
    assert stored(api, key_hash)["alias"] == "Theirs"
    assert submit(visitor, lost, place, **fields).status_code == 303
    assert stored(api, key_hash)["alias"] == "Mine"


def test_json_that_cannot_be_stored_is_kept_with_its_problems_at_their_lines(api: GatewayApi, visitor: Visitor) -> None:
    key_hash = add_key(api, "a-key", alias="Before")
    place = f"/keys/{key_hash}/json"
    page = visitor.get(place)
    text = str(fields_of(page, f"/keys/{key_hash}/json")["document"])
    assert json.loads(text)["alias"] == "Before"
    broken = submit(visitor, page, place, document='{\n  "alias": \n}')
    assert broken.status_code == 422
    assert "line 3, column 1" in broken.text
    wrong = text.replace('"alias": "Before"', '"alias": 5').replace('"rate": 0', '"rate": "x"', 1)
    answer = submit(visitor, page, place, document=wrong)
    assert answer.status_code == 422
    line = wrong[: wrong.index('"alias": 5')].count("\n") + 1
    assert f'data-line="{line}"' in answer.text
    assert "&#34;alias&#34;: 5" in answer.text, "what was typed is kept"
    assert submit(visitor, page, place, document=text.replace("Before", "After")).status_code == 303
    assert stored(api, key_hash)["alias"] == "After"


def test_a_warning_of_a_change_is_shown_on_the_page_that_follows(api: GatewayApi, visitor: Visitor) -> None:
    key_hash = add_key(api, "acme", "jwt", jwt_data={"secret": SECRET})
    page = visitor.get(f"/keys/{key_hash}/json")
    document = json.loads(str(fields_of(page, f"/keys/{key_hash}/json")["document"]))
    answer = submit(visitor, page, f"/keys/{key_hash}/json", document=json.dumps({**document, "allow_as_token": True}))
    assert "warned=key_id_was_public" in answer.headers["location"]
    assert "it stood readable in tokens" in text_of(visitor.get(answer.headers["location"]))


def test_the_page_of_a_key_says_where_it_cannot_work_and_who_changed_it(api: GatewayApi, visitor: Visitor) -> None:
    key_hash = add_key(api, "acme", "central", jwt_data={"secret": SECRET})
    submit(visitor, visitor.get(f"/keys/{key_hash}/edit"), f"/keys/{key_hash}/edit", alias="Acme", do="save")
    shown = text_of(visitor.get(f"/keys/{key_hash}"))
    assert "Ledger verifies all tokens with the keys that its definition names" in shown
    assert "ada@example.com" in shown
    assert "the Gateway API" in shown
    assert "alias" in shown


# -- single steps -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["suspend", "resume", "renew", "extend", "reset-quota", "delete"])
def test_a_step_is_asked_for_and_done(step: str, api: GatewayApi, visitor: Visitor) -> None:
    ends = int(api.clock.wall()) + 1000
    key_hash = add_key(api, "a-key", alias="Acme", expires=ends, is_inactive=step == "resume")
    place, before = f"/keys/{key_hash}/{step}", api.run(api.desk.records.key(key_hash))
    asked = visitor.get(place)
    assert asked.status_code == 200
    assert "Acme" in asked.text
    assert stored(api, key_hash)["is_inactive"] is (step == "resume"), "asking does nothing"
    done = submit(visitor, asked, place, life="never")
    assert done.status_code == 303
    if step == "delete":
        assert done.headers["location"] == "/keys?done=key_deleted"
        assert api.call("GET", f"/tyk/keys/{key_hash}").status_code == 404
        assert visitor.get(f"/keys/{key_hash}").status_code == 404
        assert submit(visitor, asked, place).status_code == 404, "deleted twice"
        return
    after, key = api.run(api.desk.records.key(key_hash)), stored(api, key_hash)
    assert key["is_inactive"] is (step == "suspend")
    assert (after.generation > before.generation) is (step in ("renew", "reset-quota"))
    assert (key["expires"] == -1) is (step == "extend")


def test_an_end_in_the_past_is_refused_at_its_field(api: GatewayApi, visitor: Visitor) -> None:
    key_hash = add_key(api, "a-key")
    page = visitor.get(f"/keys/{key_hash}/extend")
    answer = submit(visitor, page, f"/keys/{key_hash}/extend", life="date", expires_date="2020-01-01T00:00")
    assert answer.status_code == 422
    assert "in the past" in answer.text


@pytest.mark.parametrize("path", ["/keys/{}/explode", "/keys/{}/ring/1/delete", "/keys/{}/retire"])
def test_a_step_that_is_none_is_not_found(path: str, api: GatewayApi, visitor: Visitor) -> None:
    assert visitor.get(path.format(add_key(api, "a-key"))).status_code == 404


def test_a_rotated_jwt_key_shows_its_secret_once_and_who_uses_the_old_one(api: GatewayApi, visitor: Visitor) -> None:
    key_hash = add_key(api, "acme", "jwt", alias="Acme", jwt_data={"secret": SECRET})
    place = f"/keys/{key_hash}/rotate"
    made = submit(visitor, visitor.get(place), place, material="generate", end="open")
    assert "Generation 2 made" in text_of(made)
    assert "tried: it would be let in" in text_of(made)
    page = visitor.get(f"/keys/{key_hash}")
    assert "Nobody has been seen with generation 1 yet" in text_of(page)
    retire = f"/keys/{key_hash}/ring/1/retire"
    assert submit(visitor, visitor.get(retire), retire).status_code == 303
    ring = api.call("GET", f"/tyk/keys/{key_hash}/ring").json()["entries"]
    assert [one["state"] for one in ring] == ["active", "retired"]
    newest = f"/keys/{key_hash}/ring/2/retire"
    assert "is the newest" in submit(visitor, visitor.get(newest), newest).text


def test_a_rotated_token_is_shown_once_and_ends_its_predecessor_when_told(api: GatewayApi, visitor: Visitor) -> None:
    key_hash, place = add_key(api, "a-key"), ""
    place = f"/keys/{key_hash}/rotate"
    made = submit(visitor, visitor.get(place), place, end="unused", unused="86400", date="2030-01-01T00:00")
    token = re.search(r"ppk_\w+", made.text)
    assert token is not None
    assert stored(api, token[0])["key_hash"] == key_hash
    old = api.call("GET", f"/tyk/keys/{key_hash}/ring").json()["entries"][1]
    assert (old["state"], old["unused_for_s"], old["retire_at"]) == ("retiring", 86400, 1_893_456_000)
    assert token[0] not in visitor.get(f"/keys/{key_hash}").text


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"end": "date", "date": "never"}, "date"),
        ({"end": "date", "date": "2020-01-01T00:00"}, "date"),
        ({"material": "secret", "secret": ""}, "secret"),
        ({"material": "secret", "secret": SECRET}, ""),
        ({"material": "pem", "pem": "x"}, "pem"),
        ({"material": "generate", "algorithm": "RS256"}, "algorithm"),
    ],
    ids=str,
)
def test_a_rotation_that_cannot_be_is_refused_at_its_field(
    fields: dict[str, str], field: str, api: GatewayApi, visitor: Visitor
) -> None:
    key_hash = add_key(api, "acme", "jwt", jwt_data={"secret": SECRET})
    place = f"/keys/{key_hash}/rotate"
    answer = submit(visitor, visitor.get(place), place, **{"end": "open", **fields})
    assert answer.status_code == 422
    assert (f'id="{field}-said" class="error"' if field else 'class="error block"') in answer.text
    assert len(api.call("GET", f"/tyk/keys/{key_hash}/ring").json()["entries"]) == 1


# -- lists ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("kind=jwt_key", "signer"),
        ("kind=token&state=active", "plain gilded ending"),
        ("state=suspended", "asleep"),
        ("state=soon", "ending"),
        ("policy=gold", "gilded"),
        ("api=token", "plain gilded ending asleep"),
        ("api=jwt", "signer"),
        ("tag=eu", "plain"),
        ("tag=eu&kind=jwt_key", ""),
        ("policy=gold&api=jwt", ""),
    ],
)
def test_the_list_is_narrowed(query: str, names: str, api: GatewayApi, visitor: Visitor) -> None:
    add_key(api, "key-1", alias="plain", tags=["eu", "batch"])
    add_key(api, "key-2", "jwt", alias="signer", jwt_data={"secret": SECRET})
    body = {"org_id": "default", "expires": -1, "alias": "gilded", "apply_policies": ["gold"]}
    assert api.call("POST", "/tyk/keys/key-3", body).status_code == 200
    add_key(api, "key-4", alias="ending", expires=int(api.clock.wall()) + 86_400)
    add_key(api, "key-5", alias="asleep", is_inactive=True)
    assert re.findall(r'<a href="/keys/\w{64}">(\w+)</a>', visitor.get(f"/keys?{query}").text) == names.split()


def test_a_narrowed_list_has_pages_that_hold_each_key_once(api: GatewayApi, visitor: Visitor) -> None:
    for number in range(60):
        alias, tags = (f"odd{number:03}", ["odd"]) if number % 2 else ("even", [])
        add_key(api, f"key-{number:03}", alias=alias, tags=tags)
    first = visitor.get("/keys?tag=odd")
    forward = re.search(r'href="(/keys\?tag=odd&amp;after=\d+)" rel="next"', first.text)
    assert forward is not None
    second = visitor.get(forward[1].replace("&amp;", "&"))
    found = re.findall(r">(odd\d+)</a>", first.text + second.text)
    assert found == [f"odd{number:03}" for number in range(1, 60, 2)]


def test_lists_say_so_while_an_update_has_not_listed_all_keys_yet(api: GatewayApi, visitor: Visitor) -> None:
    add_key(api, "key-1", alias="tagged", tags=["rare"])
    assert ">tagged</a>" in visitor.get("/keys?tag=rare").text
    api.run(forget_lists(api))
    page = visitor.get("/keys?tag=rare").text
    assert "still being made" in page
    assert ">tagged</a>" not in page
    assert "still being made" not in visitor.get("/keys?kind=token").text
    assert api.run(api.desk.records.key_lists.list_again(10)) == 1
    page = visitor.get("/keys?tag=rare").text
    assert "still being made" not in page
    assert ">tagged</a>" in page


async def forget_lists(api: GatewayApi) -> None:
    """As a version before leaves its writes."""
    async with api.desk.records._writing() as connection:
        for statement in ("UPDATE keys SET listed_at = 0, expires = 0, inactive = 0", "DELETE FROM key_tags"):
            await connection.execute(text(statement))


@pytest.mark.parametrize("query", ["kind=x", "state=x", "after=x"])
def test_a_filter_that_is_none_is_refused_in_words(query: str, visitor: Visitor) -> None:
    assert visitor.get(f"/keys?{query}").status_code == 400


def test_ticked_keys_are_named_before_they_are_deleted(api: GatewayApi, visitor: Visitor) -> None:
    hashes = [add_key(api, f"key-{number}", alias=f"Customer {number}") for number in range(3)]
    asked = submit(visitor, visitor.get("/keys"), "/keys/delete", key=hashes[:2])
    assert "Delete 2 keys?" in text_of(asked)
    assert "Customer 1" in asked.text
    assert len(api.call("GET", "/tyk/keys").json()["keys"]) == 3, "asking does nothing"
    assert submit(visitor, asked, "/keys/delete/confirmed").status_code == 303
    assert api.call("GET", "/tyk/keys").json()["keys"] == [hashes[2]]
    assert submit(visitor, visitor.get("/keys"), "/keys/delete", key=[]).status_code == 422


def test_all_that_a_filter_shows_are_deleted_in_pieces_and_none_that_came_later(
    api: GatewayApi, visitor: Visitor
) -> None:
    kept, number = add_key(api, "kept", alias="kept"), 2 * keys_delete.PIECE + 3
    for one in range(number):
        add_key(api, f"key-{one}", tags=["old"])
    asked = submit(visitor, visitor.get("/keys?tag=old"), "/keys/delete", all="1")
    assert f"Delete {number} keys?" in text_of(asked)
    later = add_key(api, "later", tags=["old"])
    answers = [submit(visitor, asked, "/keys/delete/confirmed")]
    while answers[-1].status_code == 200:
        answers.append(submit(visitor, answers[-1], "/keys/delete/confirmed"))
    assert [f"of {number} are deleted" in one.text for one in answers] == [True, True, False]
    assert api.call("GET", "/tyk/keys").json()["keys"] == [kept, later]


# -- who may ----------------------------------------------------------------------------------------------------------


def test_who_may_only_read_is_shown_no_control_and_every_form_refuses(api: GatewayApi, new_visitor: NewVisitor) -> None:
    key_hash = add_key(api, "a-key", alias="Acme")
    reader = new_visitor(READER)
    reader.sign_in(READER.email)
    csrf = forms(reader.get("/keys"))[0].fields["csrf"]
    for path in ("/keys", f"/keys/{key_hash}"):
        page = reader.get(path)
        assert page.status_code == 200
        for word in ("New key", "/edit", "/rotate", "/suspend", "Delete"):
            assert word not in page.text, (path, word)
    writes = ["/keys/new", "/keys/delete", "/keys/delete/confirmed", "/identities/s1/suspend"]
    writes += [f"/keys/{key_hash}/{one}" for one in ("edit", "json", "rotate", "suspend", "delete", "ring/1/retire")]
    statuses = {path: reader.send("POST", path, {"X-CSRF-Token": csrf}).status_code for path in writes}
    assert set(statuses.values()) == {403}, statuses
    assert stored(api, key_hash)["is_inactive"] is False
    assert "Who changed it" not in reader.get(f"/keys/{key_hash}").text, "needs the right to read the audit log"


@pytest.mark.parametrize("path", ["", "/edit", "/json", "/rotate", "/suspend", "/delete", "/ring/1/retire"])
def test_a_key_of_another_organisation_is_not_there(path: str, api: GatewayApi, new_visitor: NewVisitor) -> None:
    key_hash = add_key(api, "a-key", alias="Theirs")
    stranger = new_visitor(fake_user(org_id="other"))
    stranger.sign_in()
    csrf = forms(stranger.get("/keys"))[0].fields["csrf"]
    assert stranger.get(f"/keys/{key_hash}{path}").status_code == 404
    if path:
        fields = {"csrf": csrf, "do": "save", "document": "{}", "access": "apis", "life": "keep", "end": "open"}
        answer = stranger.send("POST", f"/keys/{key_hash}{path}", {"Origin": "http://127.0.0.1:3000"}, data=fields)
        assert answer.status_code == 404
    ticked = submit(stranger, stranger.get("/keys/new"), "/keys/new", api="token", access="apis", do="create")
    assert ticked.status_code == 422
    assert "One of these APIs is gone" in ticked.text
    deleting = {"csrf": csrf, "key": key_hash}
    asked = stranger.send("POST", "/keys/delete", {"Origin": "http://127.0.0.1:3000"}, data=deleting)
    assert asked.status_code == 422
    assert "Theirs" not in asked.text
    stranger.send("POST", "/keys/delete/confirmed", {"Origin": "http://127.0.0.1:3000"}, data=deleting)
    assert stored(api, key_hash)["alias"] == "Theirs"
