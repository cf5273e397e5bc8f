"""What rests on an API or a policy: counted over what the Gateway API has stored, as pages ask for it."""

from collections.abc import Mapping
from typing import Any

import pytest

from propylon.control import api_preview, definition_uses, policy_preview
from propylon.control.answering import Resource
from propylon.control.call import Call
from propylon.control.envelope import Refused
from propylon.stores.records.writes import Actor
from tests.control.conftest import GatewayApi
from tests.kit.definitions import jwt_api, policy, session, token_api
from tests.kit.tokens import SECRET

TARGET = "http://127.0.0.1:9/"


@pytest.fixture(autouse=True)
def _stored(api: GatewayApi) -> None:
    made: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/tyk/apis", jwt_api(TARGET, name="Charges")),
        ("/tyk/apis", token_api(TARGET)),
        (
            "/tyk/apis",
            jwt_api(
                TARGET,
                "central",
                jwt_source="c2VjcmV0",
                scopes={"jwt": {"scope_to_policy": {"read": "gold"}}},
                jwt_default_policies=["gold"],
            ),
        ),
        ("/tyk/policies", policy("gold", "jwt", "token")),
        ("/tyk/policies", policy("none", "token")),
        ("/tyk/keys/own", session("jwt", jwt_data={"secret": SECRET})),
        ("/tyk/keys/plain", session("jwt")),
        ("/tyk/keys/both", session("jwt", apply_policies=["gold"], jwt_data={"secret": SECRET})),
        ("/tyk/keys/through", session(apply_policies=["gold"], jwt_data={"secret": SECRET})),
        ("/tyk/keys/elsewhere", session("token", jwt_data={"secret": SECRET})),
    )
    for path, document in made:
        answer = api.call("POST", path, document)
        assert answer.status_code == 200, answer.text


def ask(
    api: GatewayApi, resource: Resource, path: Mapping[str, str], org_id: str | None = "default", body: bytes = b""
) -> Any:
    return api.run(resource(api.desk, Call(Actor("user", "u1"), org_id, path, body=body))).document


def test_keys_of_an_api_are_counted_once_each_however_they_reach_it(api: GatewayApi) -> None:
    uses = ask(api, definition_uses.read_api, {"api_id": "jwt"})
    assert uses == {
        "policies": [{"id": "gold", "name": "gold"}],
        "keys_of_their_own": 3,
        "keys_through_policies": 2,
        "jwt_keys": 3,
        "counted_to": 10_000,
    }


def test_a_policy_is_used_by_keys_and_by_definitions_that_give_it_to_tokens(api: GatewayApi) -> None:
    uses = ask(api, definition_uses.read_policy, {"policy_id": "gold"})
    assert uses["keys"] == 2
    assert uses["apis"] == [{"api_id": "central", "name": "central", "as": ["default policy", "scope read"]}]
    assert ask(api, definition_uses.read_policy, {"policy_id": "none"}) == {"keys": 0, "apis": [], "counted_to": 10_000}


def test_what_another_organisation_owns_is_as_unknown_as_what_is_not_there(api: GatewayApi) -> None:
    key_hash = api.call("GET", "/tyk/keys/own").json()["key_hash"]
    body = b'{"policy": {"id": "gold", "org_id": "other"}, "key_hash": "%s"}' % key_hash.encode()
    missing = b'{"policy": {"id": "gold"}, "key_hash": "%s"}' % (b"0" * 64)
    for resource, known, unknown in (
        (definition_uses.read_api, ({"api_id": "jwt"}, b""), ({"api_id": "nothing"}, b"")),
        (definition_uses.read_policy, ({"policy_id": "gold"}, b""), ({"policy_id": "nothing"}, b"")),
        (policy_preview.preview, ({}, body), ({}, missing)),
    ):
        refusals = []
        for path, content in (known, unknown):
            with pytest.raises(Refused) as refused:
                ask(api, resource, path, "other", content)
            refusals.append((refused.value.status, refused.value.message))
        assert refusals[0] == refusals[1]
        assert refusals[0][0] == 404


def test_a_switch_to_a_central_source_warns_with_the_number_of_keys_it_puts_out_of_use(api: GatewayApi) -> None:
    """P7, over the Gateway API too."""
    before = api.call("GET", "/tyk/apis/jwt").json()
    answer = api.call("PUT", "/tyk/apis/jwt", {**before, "jwt_source": "YS1zZWNyZXQtb2YtYW4taWRlbnRpdHktcHJvdmlkZXI="})
    warned = [one for one in answer.json()["warnings"] if one["code"] == "signing_keys_ignored"]
    assert [one["path"] for one in warned] == ["jwt_source"]
    assert warned[0]["message"].startswith("3 JWT signing keys grant this API.")
    again = api.call("PUT", "/tyk/apis/jwt", api.call("GET", "/tyk/apis/jwt").json())
    assert "signing_keys_ignored" not in again.text


def test_a_definition_is_previewed_with_its_stored_secrets_and_changes_nothing(api: GatewayApi) -> None:
    revision = api.revision()
    text = api.call("GET", "/tyk/apis/central").content
    told = ask(api, api_preview.preview, {}, body=text)
    assert told["problems"] == []
    assert "jwt_source" in {one["path"] for one in told["warnings"]}, "the stored secret is short, and was looked at"
    assert api.revision() == revision
