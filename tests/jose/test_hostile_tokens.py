"""What attackers send, all the way through: parsed, verified, read, its times checked. None of it may pass or raise.

Tables follow the families of published attacks; each entry names the reason it is refused for.
"""

import functools
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from propylon.errors import Problem
from propylon.jose.claims import check_times, read_claims
from propylon.jose.token import parse_token
from propylon.jose.verification import Family, VerificationRecord, from_pem, from_secret, verify
from tests.jose.key_forms import EVERY_PUBLIC_FORM, pem
from tests.jose.raw_tokens import SECRET, base64url, from_base64url, raw_token
from tests.kit.tokens import ec_key, ed_key, public_jwk, rsa_key, secret_key, sign

NOW = 1_800_000_000
CLAIMS = {"sub": "anna", "exp": NOW + 60}
HMAC = from_secret(SECRET, id="k1")
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@functools.cache
def public(family: Family) -> VerificationRecord | Problem:
    keys: dict[str, RSAKey | ECKey | OKPKey] = {"rsa": rsa_key(), "ecdsa": ec_key(), "eddsa": ed_key()}
    return from_pem(pem(keys[family]), family=family, id="k1")


def judge(text: str, record: VerificationRecord | Problem = HMAC) -> str | None:
    """The reason for which a token is refused, None when it passes."""
    assert isinstance(record, VerificationRecord)
    token = parse_token(text)
    if isinstance(token, str):
        return token
    if reason := verify(token, record):
        return reason
    claims = read_claims(token.payload)
    if isinstance(claims, str):
        return claims
    late = check_times(claims, NOW, exp_skew=10, iat_skew=0, nbf_skew=0)
    return late[0] if late else None


def header(**members: object) -> str:
    return raw_token({"alg": "HS256"} | members, CLAIMS)


def unsigned(alg: object, signature: bytes = b"") -> str:
    return f"{raw_token({'alg': alg}, CLAIMS).rpartition('.')[0]}.{base64url(signature)}"


def test_a_good_token_passes() -> None:
    assert judge(header()) is None


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "nOnE", " none", "none ", "none\0", "", "hs256", "HS256 ", "HS-256"]
)
@pytest.mark.parametrize("signature", [b"", b"\0" * 32, b"x"])
@pytest.mark.parametrize("family", ["hmac", "rsa", "ecdsa", "eddsa"])
def test_no_spelling_of_none_is_an_algorithm(alg: str, signature: bytes, family: Family) -> None:
    record = HMAC if family == "hmac" else public(family)
    assert judge(unsigned(alg, signature), record) == "jwt_alg_not_allowed"


@pytest.mark.parametrize("secret", EVERY_PUBLIC_FORM.values(), ids=EVERY_PUBLIC_FORM)
def test_a_public_key_signs_nothing(secret: bytes) -> None:
    forged = raw_token({"alg": "HS256"}, CLAIMS, secret)
    assert judge(forged, public("rsa")) == "jwt_alg_not_allowed"
    assert judge(forged, public("ecdsa")) == "jwt_alg_not_allowed"


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
def test_another_familys_algorithm_is_no_way_in(alg: str) -> None:
    assert judge(raw_token({"alg": alg}, CLAIMS)) == "jwt_alg_not_allowed"
    for family in ("rsa", "ecdsa", "eddsa"):
        assert judge(raw_token({"alg": alg}, CLAIMS), public(family)) in ("jwt_alg_not_allowed", "jwt_bad_signature")


@pytest.mark.parametrize(
    ("said", "signed"), [("RS256", "PS256"), ("PS256", "RS256"), ("RS256", "RS512"), ("RS512", "RS256")]
)
def test_an_allowed_algorithm_does_not_cover_a_signature_by_another(said: str, signed: str) -> None:
    honest, claimed = sign(CLAIMS, rsa_key(), signed), sign(CLAIMS, rsa_key(), said)
    swapped = f"{claimed.rpartition('.')[0]}.{honest.rpartition('.')[2]}"
    assert judge(swapped, public("rsa")) == "jwt_bad_signature"


NO_ALGORITHMS: list[object] = [None, 1, [], {}, True, ["HS256"]]
ATTACKER = OctKey.import_key("the-attackers-very-own-32-bytes!")


@pytest.mark.parametrize(
    "members",
    [
        {"jwk": ATTACKER.as_dict()},
        {"jwk": public_jwk(rsa_key())},
        {"jku": "https://attacker.example/keys"},
        {"x5u": "https://attacker.example/cert"},
        {"x5c": ["MIIB"]},
        {"kid": "../../dev/null"},
    ],
)
def test_keys_that_a_header_offers_are_not_looked_at(members: dict[str, object]) -> None:
    assert (
        judge(raw_token({"alg": "HS256"} | members, CLAIMS, b"the-attackers-very-own-32-bytes!")) == "jwt_bad_signature"
    )
    assert judge(header(**members)) is None


def test_a_token_signed_with_nothing_is_refused() -> None:
    assert judge(raw_token({"alg": "HS256", "kid": "../../dev/null"}, CLAIMS, b"")) == "jwt_bad_signature"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (header(crit=["exp"]), "jwt_crit"),
        (header(crit=["x"]), "jwt_crit"),
        (header(b64=False), "jwt_header_unsupported"),
        (header(zip="DEF"), "jwt_header_unsupported"),
        (header(enc="A128GCM"), "jwt_header_unsupported"),
        (header(kid="k" * 600), "jwt_kid_invalid"),
        (header(kid="k" * 1_000_000), "jwt_too_large"),
        (raw_token({"alg": "PBES2-HS256+A128KW", "p2c": 2**31 - 1}, CLAIMS), "jwt_alg_not_allowed"),
        (raw_token({"alg": "dir", "enc": "A128GCM", "zip": "DEF"}, CLAIMS) + ".AAAA.AAAA", "jwt_malformed"),
        *((unsigned(alg), "jwt_malformed") for alg in NO_ALGORITHMS),
    ],
)
def test_a_header_that_asks_for_more_is_refused(text: str, reason: str) -> None:
    assert judge(text) == reason


def ec_signature(r: int, s: int, size: int = 32) -> bytes:
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def ec_honest() -> tuple[str, int, int]:
    signing_input, _, signature = sign(CLAIMS, ec_key(), "ES256").rpartition(".")
    raw = from_base64url(signature)
    return signing_input, int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")


def der_form(r: int, s: int) -> bytes:
    numbers = b"".join(
        b"\x02" + bytes([n.bit_length() // 8 + 1]) + n.to_bytes(n.bit_length() // 8 + 1, "big") for n in (r, s)
    )
    return b"\x30" + bytes([len(numbers)]) + numbers


INPUT, R, S = ec_honest()
EC_SIGNATURES = {
    "both zero": ec_signature(0, 0),
    "r zero": ec_signature(0, S),
    "s zero": ec_signature(R, 0),
    "r is the order": ec_signature(P256_ORDER, S),
    "s is the order": ec_signature(R, P256_ORDER),
    "both the order": ec_signature(P256_ORDER, P256_ORDER),
    "all ones": b"\xff" * 64,
    "r and s swapped": ec_signature(S, R),
    "DER": der_form(R, S),
    "63 bytes": ec_signature(R, S)[:-1],
    "65 bytes": ec_signature(R, S) + b"\0",
    "65 bytes, zero first": b"\0" + ec_signature(R, S),
    "66 bytes each padded": ec_signature(R, S, 33),
    "nothing": b"",
}


@pytest.mark.parametrize("signature", EC_SIGNATURES.values(), ids=EC_SIGNATURES)
def test_an_ecdsa_signature_has_one_form_and_two_numbers_in_range(signature: bytes) -> None:
    assert judge(f"{INPUT}.{base64url(ec_signature(R, S))}", public("ecdsa")) is None
    assert judge(f"{INPUT}.{base64url(signature)}", public("ecdsa")) == "jwt_bad_signature"


HONEST = {
    "hmac": sign(CLAIMS, secret_key(), "HS256"),
    "rsa": sign(CLAIMS, rsa_key(), "RS256"),
    "ecdsa": sign(CLAIMS, ec_key(), "ES256"),
    "eddsa": sign(CLAIMS, ed_key(), "Ed25519"),
}


@pytest.mark.parametrize("family", ["hmac", "rsa", "ecdsa", "eddsa"])
@pytest.mark.parametrize(
    "spoil", [lambda raw: raw[:-1], lambda raw: raw[1:], lambda raw: raw + b"\0", lambda raw: raw[:1]]
)
def test_a_signature_of_another_length_is_refused(family: Family, spoil: Callable[[bytes], bytes]) -> None:
    record = HMAC if family == "hmac" else public(family)
    signing_input, _, signature = HONEST[family].rpartition(".")
    assert judge(HONEST[family], record) is None
    assert judge(f"{signing_input}.{base64url(spoil(from_base64url(signature)))}", record) == "jwt_bad_signature"


@settings(max_examples=300)
@given(st.sampled_from(["hmac", "rsa", "ecdsa", "eddsa"]), st.data())
def test_a_token_changed_in_one_character_is_refused(family: Family, data: st.DataObject) -> None:
    text = HONEST[family]
    place = data.draw(st.integers(0, len(text) - 1))
    ascii_text = st.characters(max_codepoint=0x7F, exclude_characters=text[place])
    changed = text[:place] + data.draw(ascii_text) + text[place + 1 :]
    assert judge(changed, HMAC if family == "hmac" else public(family)) is not None


@settings(max_examples=200)
@given(st.sampled_from(["hmac", "rsa", "ecdsa", "eddsa"]), st.data())
def test_a_token_that_lost_or_gained_a_character_is_refused(family: Family, data: st.DataObject) -> None:
    text, record = HONEST[family], HMAC if family == "hmac" else public(family)
    place = data.draw(st.integers(0, len(text) - 1))
    assert judge(text[:place] + text[place + 1 :], record) is not None
    gained = data.draw(st.sampled_from("Aa0-_.=+/ \n\0"))
    assert judge(text[:place] + gained + text[place:], record) is not None


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        *(
            (json.dumps({"exp": exp}).encode(), "jwt_expired")
            for exp in (NOW - 11, NOW - 10, 0, -1, True, "9999999999", None)
        ),
        (b'{"exp":1e400}', "jwt_malformed"),
        (b'{"exp":NaN}', "jwt_malformed"),
        (json.dumps({"nbf": NOW + 1}).encode(), "jwt_not_yet_valid"),
        (json.dumps({"iat": NOW + 10**9}).encode(), "jwt_issued_in_future"),
        *((raw, "jwt_malformed") for raw in (b'{"sub":"a","sub":"b"}', b'{"exp":1,"exp":9999999999}')),
        *((raw, "jwt_malformed") for raw in (b"", b"[]", b'"x"', b"1", b"null")),
        (b'{"a":' + b"[" * 3000 + b"]" * 3000 + b"}", "jwt_malformed"),
        (b'{"a":' + b"1" * 6000 + b"}", "jwt_malformed"),
        (rb'{"sub":"\ud800"}', "jwt_malformed"),
        (b'{"sub":"\xc0\xae"}', "jwt_malformed"),
        (b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "jwt_too_large"),
        (b'{"a":' + b"1" * 100_000 + b"}", "jwt_too_large"),
    ],
)
def test_a_signature_does_not_vouch_for_claims_that_are_not_clear(payload: bytes, reason: str) -> None:
    assert judge(raw_token({"alg": "HS256"}, payload)) == reason


def test_a_skew_ends_to_the_second() -> None:
    assert judge(raw_token({"alg": "HS256"}, {"exp": NOW - 9})) is None
