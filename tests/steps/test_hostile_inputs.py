"""Inputs 1 to 32 of the list of nasty inputs (reliability.md §4), each by its number, in every mode and family.

None is let in, none is a failure, none makes us ask for keys anywhere but with the issuers a definition names.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey
from joserfc.jws import JWSRegistry

from propylon.jose.verification import VerificationRecord, from_pem
from tests.jose.key_forms import EVERY_PUBLIC_FORM
from tests.jose.raw_tokens import base64url, from_base64url, raw_token
from tests.kit.deciding import Deciding, PublishedKeys, deciding
from tests.kit.definitions import jwt_api, policy, session
from tests.kit.tokens import SECRET, ec_key, public_jwk, public_pem, rsa_key, secret_key

NOW = 1_800_000_000
CLAIMS: Mapping[str, Any] = {"sub": "anna", "iss": "idp", "pol": "ours", "exp": NOW + 60}
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
Key = OctKey | RSAKey | ECKey
KEYS: Mapping[str, tuple[str, Key, str]] = {
    "hmac": ("HS256", secret_key(), SECRET),
    "rsa": ("RS256", rsa_key(), public_pem(rsa_key())),
    "ecdsa": ("ES256", ec_key(), public_pem(ec_key())),
}


class Door(NamedTuple):
    mode: str  # "key", "central", "issuer" (with a key of its own) or "set"
    family: str

    @property
    def name(self) -> str:
        return f"{self.mode}-{self.family}"

    def header(self, **members: Any) -> dict[str, Any]:
        return {"alg": KEYS[self.family][0], "kid": f"signer-{self.family}"} | members

    def token(self, header: Any = None, claims: Any = CLAIMS) -> str:
        """Signed with the door's own key as its own algorithm, whatever is written in it."""
        alg, key, _ = KEYS[self.family]
        parts = (self.header() if header is None else header, claims)
        raw = (part if isinstance(part, bytes) else json.dumps(part).encode() for part in parts)
        signing_input = ".".join(map(base64url, raw))
        return f"{signing_input}.{base64url(JWSRegistry.algorithms[alg].sign(signing_input.encode(), key))}"

    def with_(self, **claims: Any) -> str:
        return self.token(None, dict(CLAIMS) | claims)

    def definition(self) -> dict[str, Any]:
        alg, _, verifies = KEYS[self.family]
        key = verifies if self.family != "hmac" else "YS1zaGFyZWQtc2VjcmV0LW9mLTMyLWNoYXJhY3RlcnM="
        issuer = {"issuer": "idp", "algorithms": [alg], "policy_claims": ["pol"]}
        members: dict[str, dict[str, Any]] = {
            "key": {},
            "central": {"jwt_source": key, "jwt_policy_field_name": "pol"},
            "issuer": {"jwt_issuers": [issuer | {"key": key}]},
            "set": {"jwt_issuers": [issuer | {"jwks_uri": "https://idp.example/keys"}]},
        }
        common = {"jwt_signing_method": self.family, "jwt_allowed_algorithms": [alg]}
        rules = {"jwt_allowed_audiences": ["us"]} if self.family == "ecdsa" else {}
        return jwt_api("http://u/", self.name, **common, **rules, **members[self.mode])


DOORS = [Door(mode, family) for mode in ("key", "central", "issuer") for family in KEYS]
DOORS += [Door("set", "rsa"), Door("set", "ecdsa")]


def signature_of(make: Callable[[bytes], bytes]) -> Callable[[Door], str]:
    def respelt(door: Door) -> str:
        head, _, signature = door.token().rpartition(".")
        return f"{head}.{base64url(make(from_base64url(signature)))}"

    return respelt


def written(change: Callable[[str], str]) -> Callable[[Door], str]:
    return lambda door: change(door.token())


def raw(claims: bytes) -> Callable[[Door], str]:
    return lambda door: door.token(None, claims)


def claims(**members: Any) -> Callable[[Door], str]:
    return lambda door: door.with_(**members)


def header(**members: Any) -> Callable[[Door], str]:
    return lambda door: door.token(door.header(**members))


def as_json(token: str) -> str:
    return json.dumps(dict(zip(("protected", "payload", "signature"), token.split("."), strict=True)))


def with_trailing_bits(token: str) -> str:
    head, _, last = token.rpartition(".")
    spare = next((letter for letter in "BCDEFGHIJ" if from_base64url(last[:-1] + letter) == from_base64url(last)), "A")
    return f"{head}.{last[:-1]}{spare}" if spare != "A" else token + "A"


def psychic(r: int, s: int) -> Callable[[bytes], bytes]:
    return lambda _: r.to_bytes(32, "big") + s.to_bytes(32, "big")


def forged(**members: Any) -> Callable[[Door], str]:
    """With a key of the attacker's, which the header offers."""
    return lambda door: raw_token(door.header(alg="HS256", **members), CLAIMS, b"the-attackers-very-own-32-bytes!")


NONE_SPELT = ["none", "nOnE", "NONE", " none", "none\0", ""]
INPUTS: dict[str, list[Callable[[Door], str]]] = {
    "1, 2: none": [header(alg=alg) for alg in NONE_SPELT] + [written(lambda token: f"{token.rpartition('.')[0]}.")],
    "3: alg is no text": [header(alg=alg) for alg in (None, 1, [], {})] + [lambda door: door.token({"kid": "x"})],
    "4, 5: a public key as secret": [
        lambda door, form=form: raw_token(door.header(alg="HS256"), CLAIMS, form) for form in EVERY_PUBLIC_FORM.values()
    ],
    "6: another algorithm of the family": [header(alg=alg) for alg in ("HS512", "PS256", "RS512", "ES384")],
    "7: an embedded key": [forged(jwk=public_jwk(rsa_key())), forged(jwk={"kty": "oct", "k": "YQ"})],
    "8: jku": [forged(jku="https://attacker.example/keys")],
    "9: x5u, x5c": [forged(x5u="https://attacker.example/c"), forged(x5c=["MIIB"])],
    "10: a path as kid, signed with nothing": [
        lambda door: raw_token({"alg": "HS256", "kid": "../../dev/null"}, CLAIMS, b"")
    ],
    "11: a kid that is more than a name": [forged(kid=kid) for kid in ("' OR 1=1 --", "|cmd", "a\r\nX: 1", "a\0b", "")],
    "12: a kid of a megabyte": [header(kid="k" * 6000), header(kid="k" * 513)],
    "13: crit": [header(crit=names) for names in (["exp"], ["x"], [])],
    "14: b64": [header(b64=False)],
    "15: zip": [header(zip="DEF"), header(enc="A128GCM", zip="DEF")],
    "16: PBES2": [header(alg="PBES2-HS256+A128KW", p2c=2**31 - 1)],
    "17: psychic": [signature_of(psychic(0, 0)), signature_of(lambda one: bytes(len(one)))],
    "18: out of range, another length": [
        signature_of(psychic(P256_ORDER, P256_ORDER)),
        signature_of(lambda one: b"\xff" * len(one)),
        signature_of(lambda one: one + b"\0"),
        signature_of(lambda one: b"\0" + one),
    ],
    "19: one byte less": [signature_of(lambda one: one[:-1])],
    "20: another spelling": [
        written(lambda token: token + "="),
        written(lambda token: token.replace(".", ". ", 1)),
        written(lambda token: f" {token}"),
        written(lambda token: token[:-1] + "+"),
        written(lambda token: token[:-1] + "/"),
    ],
    "21: trailing bits": [written(with_trailing_bits)],
    "22: segments": [
        written(lambda token: token.rpartition(".")[0]),
        written(lambda token: f"{token}."),
        written(lambda token: f"{token}.x.y"),
        written(lambda token: ".".join(["a"] * 1000)),
    ],
    "23: JSON serialisation": [written(as_json)],
    "24: past": [claims(exp=NOW), claims(exp=NOW - 1), claims(exp=0)],
    "25: exp is no time": [
        *(claims(exp=exp) for exp in ("9999999999", -1, True, None, [])),
        raw(b'{"sub":"anna","iss":"idp","pol":"ours","exp":1e400}'),
        raw(b'{"sub":"anna","iss":"idp","pol":"ours","exp":NaN}'),
    ],
    "26: not yet": [claims(nbf=NOW + 1), claims(iat=NOW + 10**9)],
    "27: twice": [
        raw(b'{"sub":"anna","sub":"bob","iss":"idp","pol":"ours"}'),
        raw(b'{"sub":"anna","iss":"idp","pol":"ours","exp":1,"exp":9999999999}'),
    ],
    "28: no object": [raw(one) for one in (b"[]", b'"x"', b"1", b"null", b"")],
    "29: deep, long": [
        raw(b'{"iss":"idp","a":' + b"[" * 2000 + b"]" * 2000 + b"}"),
        raw(b'{"iss":"idp","a":' + b"1" * 5000 + b"}"),
        raw(b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
    ],
    "31: half a character": [raw(rb'{"iss":"idp","sub":"\ud800"}'), raw(b'{"iss":"idp","sub":"\xc0\xae"}')],
}


@pytest.fixture(scope="module")
def at() -> Iterator[Deciding]:
    records = {
        ("idp", f"signer-{family}"): from_pem(verifies.encode(), family=family, id=family)
        for family, (_, _, verifies) in KEYS.items()
        if family != "hmac"
    }
    published = {name: record for name, record in records.items() if isinstance(record, VerificationRecord)}
    names = [door.name for door in DOORS]
    keys = {
        f"signer-{family}": session(*names, jwt_data={"secret": verifies}) for family, (_, _, verifies) in KEYS.items()
    }
    policies = [policy("ours", *names), policy("theirs", *names, org_id="other")]
    apis = [door.definition() for door in DOORS]
    with deciding(*apis, keys=keys, policies=policies, issuers=PublishedKeys(published)) as running:
        yield running


every_door = pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)


@every_door
def test_an_honest_token_is_let_in(at: Deciding, door: Door) -> None:
    assert [at.reason(f"/{door.name}/", door.with_(aud=["us"])) for _ in range(2)] == ["", ""]


@every_door
@pytest.mark.parametrize("tokens", INPUTS.values(), ids=INPUTS)
def test_input(at: Deciding, door: Door, tokens: list[Callable[[Door], str]]) -> None:
    for make in tokens:
        denial = at.ask(f"/{door.name}/", make(door)).denial
        assert denial is not None
        assert denial.status in (400, 401, 403)
        assert denial.reason != "jwt_audience_not_allowed", "it was all right but for its audience"


@pytest.mark.parametrize("door", [door for door in DOORS if door.family == "ecdsa"], ids=lambda door: door.name)
@pytest.mark.parametrize("audience", [["usher", "u"], "us ", "us/", ["US"], None, [["us"]]])
def test_input_30_an_audience_is_a_whole_text(at: Deciding, door: Door, audience: Any) -> None:
    denial = at.ask(f"/{door.name}/", door.with_(aud=audience)).denial
    assert denial is not None
    assert (denial.status, denial.reason) == (401, "jwt_audience_not_allowed")


@pytest.mark.parametrize("door", [Door("issuer", "hmac"), Door("set", "rsa")], ids=lambda door: door.name)
@pytest.mark.parametrize("issuer", ["idp/", "id", "IDP", " idp", ["idp"], None])
def test_input_30_an_issuer_is_a_whole_text(at: Deciding, door: Door, issuer: Any) -> None:
    assert at.reason(f"/{door.name}/", door.with_(iss=issuer)) == "jwt_issuer_unknown"


@pytest.mark.parametrize("door", [door for door in DOORS if door.mode != "key"], ids=lambda door: door.name)
def test_input_32_another_tenant_s_policy_is_none_of_ours(at: Deciding, door: Door) -> None:
    denial = at.ask(f"/{door.name}/", door.with_(pol="theirs", aud="us")).denial
    assert denial is not None
    assert (denial.status, denial.reason) == (403, "policy_not_found")
