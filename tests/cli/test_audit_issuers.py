"""`propylon audit-issuers`: what it sends passes nowhere it should not, and is told where it does."""

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from propylon.cli.trial_issuer import TrialIssuer, make_key
from tests.kit.answers import reply
from tests.kit.command import Operator
from tests.kit.definitions import jwt_api, keyless_api, policy, session
from tests.kit.gateway import Gateway, running_gateway
from tests.kit.origin import Origin
from tests.kit.tokens import SECRET, hs256, public_pem, rsa_key


def pem() -> str:
    private: Any = rsa_key().private_key
    return str(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def central(target: str, api_id: str, secret: str) -> dict[str, Any]:
    source = b64encode(secret.encode()).decode()
    return jwt_api(target, api_id, jwt_source=source, jwt_default_policies=["all"])


@pytest.fixture(scope="module")
def audited() -> Iterator[Gateway]:
    with Origin() as origin:
        rsa = {"jwt_signing_method": "rsa", "jwt_source": public_pem(rsa_key()), "jwt_default_policies": ["all"]}
        apis = [
            jwt_api(origin.url, "per-key"),
            jwt_api(origin.url, "rsa", **rsa),
            central(origin.url, "hmac", SECRET),
            central(origin.url, "weak", "changeme"),
            central(origin.url, "weak-without-rights", "changeme"),
            keyless_api(origin.url, "open"),
        ]
        with running_gateway(apis, [policy("all", "rsa", "hmac", "weak")]) as gateway:
            body = session("per-key", jwt_data={"secret": SECRET})
            assert gateway.api("POST", "/tyk/keys/acme", body).status == 200
            yield gateway


@pytest.fixture
def auditor(audited: Gateway) -> Operator:
    return Operator(audited.url, audited.secret)


@pytest.mark.parametrize("api", ["per-key", "rsa", "hmac"])
def test_nothing_passes_where_only_the_definition_is_known(auditor: Operator, api: str) -> None:
    ended = auditor("audit-issuers", api)
    assert ended.code == 0, ended
    assert "0 passed" in ended.out
    assert "no sound token was given" in ended.err


@pytest.mark.parametrize(("api", "option", "material"), [("hmac", "--secret-file", SECRET), ("rsa", "--key", pem())])
def test_nothing_passes_that_the_true_key_has_signed_wrongly(
    auditor: Operator, api: str, option: str, material: str
) -> None:
    ended = auditor("audit-issuers", api, option, "-", "--json", stdin=material)
    attacks = {one["attack"] for one in ended.json()["outcomes"]}
    assert (ended.code, ended.json()["passed"], ended.err) == (0, [], "")
    assert attacks >= {"expired", "duplicate claims", "huge kid", "jku", "alg none", "signature of zeros"}


def test_the_public_key_of_the_definition_is_tried_as_an_hmac_secret(auditor: Operator) -> None:
    attacks = [one["attack"] for one in auditor.done("audit-issuers", "rsa", "--json").json()["outcomes"]]
    assert attacks.count("HMAC with the public key") >= 9


def test_a_sound_token_is_the_pattern_of_the_hostile_ones(auditor: Operator) -> None:
    token = hs256({"sub": "x", "exp": 4_000_000_000}, kid="acme")
    ended = auditor("audit-issuers", "per-key", "--like", "-", stdin=token)
    assert (ended.code, ended.err) == (0, "")
    assert "signature cut off" in ended.out


def test_an_api_whose_secret_everybody_knows_fails(auditor: Operator) -> None:
    ended = auditor("audit-issuers", "weak")
    assert ended.code == 1
    (row,) = [row for row in ended.out.splitlines() if "PASSED" in row]
    assert row.startswith("HMAC with a publicly known secret")
    assert "changeme" not in ended.out


def test_a_token_that_is_believed_and_only_then_refused_has_passed(auditor: Operator) -> None:
    ended = auditor("audit-issuers", "weak-without-rights")
    assert ended.code == 1
    assert [row for row in ended.out.splitlines() if "PASSED" in row and "Access to this API" in row]


def test_one_of_several_issuers_cannot_speak_for_another(own_issuers: tuple[TrialIssuer, TrialIssuer]) -> None:
    """Both publish a key under the same kid; what one signs in the other's name is refused."""
    ours, theirs = own_issuers
    keys = [make_key("same-kid") for _ in range(2)]
    for issuer, key in zip((ours, theirs), keys, strict=True):
        issuer.publish(key)
    issuers = [{"issuer": one.url, "jwks_uri": one.key_set_url, "default_policies": ["all"]} for one in (ours, theirs)]
    api = jwt_api(ours.url, "several", jwt_signing_method="rsa", jwt_issuers=issuers)
    private = keys[0].signer.key.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with running_gateway([api], [policy("all", "several")], {"allow_insecure_jwks": True}) as gateway:
        operator = Operator(gateway.url, gateway.secret)
        ended = operator("audit-issuers", "several", "--key", "-", "--json", stdin=private)
    attacks = [one["attack"] for one in ended.json()["outcomes"]]
    assert (ended.code, ended.json()["passed"], ended.err) == (0, [], "")
    assert {"one issuer's key in another's name", "an issuer nobody knows"} <= set(attacks)
    assert attacks.count("HMAC with the public key") == 2 * 4 * 3


@pytest.fixture
def own_issuers() -> Iterator[tuple[TrialIssuer, TrialIssuer]]:
    with TrialIssuer() as first, TrialIssuer() as second:
        yield first, second


def test_an_open_api_is_a_no_before_anything_is_sent(auditor: Operator) -> None:
    assert auditor("audit-issuers", "open").code == 2
    with Origin(reply(200, b"{}")) as anything:
        ended = auditor("audit-issuers", "rsa", "--gateway", anything.url)
    assert ended.code == 1
    assert "without a token" in ended.err


def test_an_upstream_s_own_refusal_is_none(auditor: Operator) -> None:
    with Origin(reply(403, json.dumps({"error": "Key not authorized"}).encode())) as upstream:
        assert auditor("audit-issuers", "rsa", "--gateway", upstream.url).code == 1


def test_a_sound_token_that_is_refused_makes_the_audit_meaningless(auditor: Operator, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("not the secret of this API, at all")
    ended = auditor("audit-issuers", "hmac", "--secret-file", str(tmp_path / "secret"))
    assert ended.code == 2
    assert "prove nothing" in ended.err


@pytest.mark.parametrize("like", ["", "no.jwt", "a.b.c"])
def test_a_pattern_that_is_no_token_is_wrong_use(auditor: Operator, like: str) -> None:
    assert auditor("audit-issuers", "rsa", "--like", "-", stdin=like).code == 2
