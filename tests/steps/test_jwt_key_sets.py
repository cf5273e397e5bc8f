"""Tokens of an issuer on the wire: what its key set holds now decides, at once."""

from typing import Any

from tests.kit.answers import reply
from tests.kit.client import Response, get
from tests.kit.data_path import DataPath, data_path
from tests.kit.definitions import jwt_api, policy
from tests.kit.issuer import Issuer
from tests.kit.origin import Origin
from tests.kit.tokens import rsa_key

NOW = 1_800_000_000
CLAIMS = {"sub": "alice", "pol": "gold", "exp": NOW + 10_000}
GOLD = policy("gold", "jwt")


def central(origin: Origin, issuer: Issuer, **members: Any) -> dict[str, Any]:
    sets = [{"url": issuer.keys_url}]
    common = {"jwt_signing_method": "rsa", "jwt_policy_field_name": "pol", "jwt_jwks_uris": sets}
    return jwt_api(origin.url, **(common | members))


def call(path: DataPath, token: str) -> Response:
    return get(path.url + "/jwt/", {"Authorization": f"Bearer {token}"})


def test_a_rotation_is_followed_without_a_refusal_and_the_old_key_is_out_at_once() -> None:
    with Origin() as origin, Issuer(a=rsa_key()) as issuer, data_path(central(origin, issuer), policies=[GOLD]) as path:
        old = issuer.token(CLAIMS, "a", "RS256")
        assert [call(path, old).status for _ in range(3)] == [200] * 3
        issuer.rotate(b=rsa_key(3072))
        assert call(path, old).status == 200
        assert call(path, issuer.token(CLAIMS, "b", "RS256")).status == 200
        assert call(path, old).status == 403
        assert path.recorded[-1].denial is not None
        assert path.recorded[-1].denial.reason == "jwks_kid_unknown"


def test_a_set_is_there_before_the_first_token_and_serves_while_the_issuer_is_down() -> None:
    with Origin() as origin, Issuer(a=rsa_key()) as issuer, data_path(central(origin, issuer), policies=[GOLD]) as path:
        issuer.wait_for(1)
        token = issuer.token(CLAIMS, "a", "RS256")
        assert call(path, token).status == 200
        issuer.answer = reply(500)
        path.advance(3000)
        assert call(path, token).status == 200
        assert call(path, issuer.token(CLAIMS | {"n": 1}, "a", "PS256")).status == 200


def test_an_issuer_that_is_down_from_the_start_lets_nobody_in() -> None:
    with Origin() as origin, Issuer(a=rsa_key()) as issuer:
        issuer.answer = reply(500)
        with data_path(central(origin, issuer), policies=[GOLD]) as path:
            answer = call(path, issuer.token(CLAIMS, "a", "RS256"))
            assert (answer.status, answer.body) == (403, b'{\n    "error": "Key not authorized"\n}')
            assert path.recorded[-1].denial is not None
            assert path.recorded[-1].denial.reason == "jwks_unavailable"
            assert not origin.requests
