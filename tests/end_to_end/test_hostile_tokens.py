"""What attackers send as a token, through the whole gateway: refused with the documented status, nothing forwarded.

The tables follow the families of published attacks; each is tried at every door that it concerns.
"""

import json
from collections.abc import Iterator, Mapping

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from tests.end_to_end.doors import DOORS, FAR, GOOD, KEYS, Door, Key, Part, ask, gateway_with_doors
from tests.jose.key_forms import public_forms
from tests.jose.raw_tokens import base64url, from_base64url, raw_token
from tests.kit.client import get
from tests.kit.gateway import Gateway
from tests.kit.origin import Origin
from tests.kit.tokens import public_jwk

ATTACKER = b"the-attackers-very-own-32-bytes!"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
REFUSED = (403, "Key not authorized")
METHOD = (403, "Key not authorized: Unexpected signing method")

every_door = pytest.mark.parametrize("door", DOORS, ids=lambda door: door.api_id)


def doors(**members: str) -> list[Door]:
    return [door for door in DOORS if all(getattr(door, name) == value for name, value in members.items())]


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(origin: Origin) -> Iterator[Gateway]:
    with gateway_with_doors(origin) as running:
        yield running


def refusal(gateway: Gateway, origin: Origin, door: Door, token: str) -> tuple[int, str]:
    """Status and text; sees to it that nothing was forwarded."""
    before = len(origin.requests)
    answer = ask(gateway, door, token)
    assert len(origin.requests) == before, f"forwarded, and answered {answer.status}"
    return answer.status, answer.json()["error"]


@every_door
def test_an_honest_token_is_let_in(gateway: Gateway, door: Door) -> None:
    assert ask(gateway, door, door.token()).status == 200


@every_door
def test_no_token_is_400(gateway: Gateway, origin: Origin, door: Door) -> None:
    before = len(origin.requests)
    for fields in ({}, {"Authorization": ""}):
        answer = get(f"{gateway.url}/{door.api_id}/x", fields)
        assert (answer.status, answer.json()["error"]) == (400, "Authorization field missing")
    assert len(origin.requests) == before


@every_door
@pytest.mark.parametrize("alg", ["none", "nOnE", "NONE", " none", "none\0", "", "hs256", "HS1"])
def test_no_algorithm_is_no_way_in(gateway: Gateway, origin: Origin, door: Door, alg: str) -> None:
    unsigned = door.token(door.header(alg=alg)).rpartition(".")[0]
    for signature in ("", base64url(bytes(32))):
        expected = METHOD if alg == "none" else REFUSED  # J-7: names are told apart by case
        assert refusal(gateway, origin, door, f"{unsigned}.{signature}") == expected


PUBLIC_FORMS = {family: public_forms(key) for family, (_, key, _) in KEYS.items() if not isinstance(key, OctKey)}


@pytest.mark.parametrize("door", [*doors(family="rsa"), *doors(family="ecdsa")], ids=lambda door: door.api_id)
def test_a_public_key_in_no_form_is_a_secret(gateway: Gateway, origin: Origin, door: Door) -> None:
    forged = {form: raw_token(door.header(alg="HS256"), GOOD, key) for form, key in PUBLIC_FORMS[door.family].items()}
    answers = {form: refusal(gateway, origin, door, token) for form, token in forged.items()}
    assert answers == dict.fromkeys(forged, METHOD)


@pytest.mark.parametrize("door", doors(family="rsa"), ids=lambda door: door.api_id)
@pytest.mark.parametrize("alg", ["PS256", "RS512"])
def test_another_algorithm_of_the_same_key_is_refused(gateway: Gateway, origin: Origin, door: Door, alg: str) -> None:
    assert refusal(gateway, origin, door, door._replace(alg=alg).token(door.header(alg=alg))) == METHOD


NO_ALGORITHMS: list[object] = [None, 1, [], {}, True]
NO_KIDS: list[object] = [7, None, [], "k" * 600]
HEADERS: Mapping[str, Part] = {
    **{f"alg {value!r}": {"alg": value} for value in NO_ALGORITHMS},
    **{f"crit {names}": {"crit": names} for names in ([], ["exp"], ["x"])},
    "b64": {"b64": False},
    "zip": {"zip": "DEF"},
    "enc": {"enc": "A128GCM"},
    "PBES2": {"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2**31 - 1},
    **{f"kid {kid!r}": {"kid": kid} for kid in NO_KIDS},
    "no alg": b'{"typ":"JWT"}',
    "no object": b"[]",
    "empty": b"",
    "twice": b'{"alg":"HS256","alg":"HS256"}',
    "deep": b'{"alg":' + b"[" * 2000 + b"]" * 2000 + b"}",
    "UTF-16": '{"alg":"HS256"}'.encode("utf-16"),
    "half a pair": rb'{"alg":"HS256","kid":"\ud800"}',
}


@every_door
@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_signed_header_that_is_not_plain_is_refused(
    gateway: Gateway, origin: Origin, door: Door, header: Part
) -> None:
    whole = header if isinstance(header, bytes) else door.header() | dict(header)
    assert refusal(gateway, origin, door, door.token(whole)) == REFUSED


@every_door
@pytest.mark.parametrize(
    "kid", ["../../dev/null", "' OR 1=1 --", "|cmd", "a\r\nX-Injected: 1", "a\0b", "signer-hmac\0", "", "🔑"]
)
def test_a_kid_is_looked_up_and_no_more(gateway: Gateway, origin: Origin, door: Door, kid: str) -> None:
    for secret in (b"", ATTACKER):
        forged = raw_token(door.header(alg="HS256", kid=kid), GOOD, secret)
        assert refusal(gateway, origin, door, forged) == (REFUSED if door.family == "hmac" else METHOD)
    assert "X-Injected" not in gateway.stderr_path.read_text()


@every_door
def test_a_token_of_a_megabyte_is_431(gateway: Gateway, origin: Origin, door: Door) -> None:
    assert refusal(gateway, origin, door, door.token(door.header(kid="k" * 1_000_000)))[0] == 431


@every_door
def test_a_key_that_the_header_offers_is_neither_fetched_nor_used(gateway: Gateway, origin: Origin, door: Door) -> None:
    theirs: dict[str, Key] = {
        "hmac": OctKey.import_key(ATTACKER),
        "rsa": RSAKey.generate_key(),
        "ecdsa": ECKey.generate_key(),
    }
    key = theirs[door.family]
    with Origin() as attacker:
        for offer in (
            {"jwk": dict(key.as_dict())},
            {"jwk": public_jwk(door.key)},
            {"jku": f"{attacker.url}/keys"},
            {"x5u": f"{attacker.url}/certificate"},
            {"x5c": ["MIIB"]},
        ):
            forged = door._replace(key=key).token(door.header(**offer))
            assert refusal(gateway, origin, door, forged) == REFUSED
        assert attacker.connections == 0


def with_trailing_bits(raw: bytes) -> str:
    """The same bytes in another text: what the last character holds beyond them is not zero."""
    text = base64url(raw)
    assert len(raw) % 3, "no bits are left over"
    changed = text[:-1] + chr(ord(text[-1]) + 1)
    assert from_base64url(changed) == raw
    return changed


def json_form(head: str, raw: bytes) -> str:
    return json.dumps(dict(zip(("protected", "payload", "signature"), (*head.split("."), base64url(raw)), strict=True)))


SPELLINGS = {
    "one byte less": lambda head, raw: f"{head}.{base64url(raw[:-1])}",
    "one byte more": lambda head, raw: f"{head}.{base64url(raw + bytes(1))}",
    "no signature": lambda head, raw: f"{head}.",
    "2 segments": lambda head, raw: head,
    "4 segments": lambda head, raw: f"{head}.{base64url(raw)}.AAAA",
    "5 segments": lambda head, raw: f"{head}.{base64url(raw)}.AAAA.AAAA",
    "1000 segments": lambda head, raw: ".".join(["AAAA"] * 1000),
    "padded": lambda head, raw: f"{head}.{base64url(raw)}=",
    "blank": lambda head, raw: f"{head}. {base64url(raw)}",
    "plus": lambda head, raw: f"{head}.{base64url(raw)[:-2]}+A",
    "trailing bits": lambda head, raw: f"{head}.{with_trailing_bits(raw)}",
    "JSON": json_form,
}


@every_door
@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_token_has_one_spelling(gateway: Gateway, origin: Origin, door: Door, spelling: object) -> None:
    assert callable(spelling)
    head, _, signature = door.token().rpartition(".")
    assert refusal(gateway, origin, door, spelling(head, from_base64url(signature))) == REFUSED


@pytest.mark.parametrize("door", doors(family="ecdsa"), ids=lambda door: door.api_id)
@pytest.mark.parametrize(("r", "s"), [(0, 0), (0, None), (None, 0), (P256_ORDER, None), (None, P256_ORDER)])
def test_an_ecdsa_signature_is_two_numbers_in_range(
    gateway: Gateway, origin: Origin, door: Door, r: int | None, s: int | None
) -> None:
    head, _, signature = door.token().rpartition(".")
    raw = from_base64url(signature)
    halves = [raw[:32] if r is None else r.to_bytes(32, "big"), raw[32:] if s is None else s.to_bytes(32, "big")]
    assert refusal(gateway, origin, door, f"{head}.{base64url(b''.join(halves))}") == REFUSED


PAST = (401, "Key not authorized: token has expired")
NO_EXPIRIES: list[object] = [1, 0, -1, True, None, "9999999999", [], {}]
CLAIMS: Mapping[str, tuple[Part, tuple[int, str]]] = {
    **{f"exp {exp!r}": ({"sub": "a", "exp": exp}, PAST) for exp in NO_EXPIRIES},
    "nbf": ({"sub": "a", "nbf": FAR}, (401, "Key not authorized: token is not valid yet")),
    "iat": ({"sub": "a", "iat": FAR}, (401, "Key not authorized: token used before issued")),
    **{raw.decode("latin-1"): (raw, REFUSED) for raw in (b"", b"[]", b'"x"', b"1", b"null", b'{"sub":"\xc0\xae"}')},
    **{raw.decode(): (raw, REFUSED) for raw in (b'{"exp":1e400}', b'{"exp":NaN}', rb'{"sub":"\ud800"}')},
    **{raw.decode(): (raw, REFUSED) for raw in (b'{"sub":"a","sub":"b"}', b'{"exp":1,"exp":4102444800}')},
    "deep": (b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}", REFUSED),
    "deeper": (b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", REFUSED),
    "long number": (b'{"a":' + b"1" * 5000 + b"}", REFUSED),
    "longer number": (b'{"a":' + b"1" * 20_000 + b"}", REFUSED),
}


@every_door
@pytest.mark.parametrize("name", CLAIMS)
def test_a_signature_does_not_vouch_for_claims_that_are_not_in_order(
    gateway: Gateway, origin: Origin, door: Door, name: str
) -> None:
    payload, expected = CLAIMS[name]
    assert refusal(gateway, origin, door, door.token(payload=payload)) == expected


@pytest.mark.parametrize("door", doors(mode="central"), ids=lambda door: door.api_id)
@pytest.mark.parametrize("named", ["theirs", "no such policy", ["ours", "theirs"]])
def test_a_policy_of_another_organisation_is_none(
    gateway: Gateway, origin: Origin, door: Door, named: str | list[str]
) -> None:
    token = door.token(payload={**GOOD, "pol": named})
    assert refusal(gateway, origin, door, token) == (403, "key not authorized: no matching policy")
