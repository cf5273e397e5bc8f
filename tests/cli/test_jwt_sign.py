"""`propylon jwt sign`: what it prints is verified by the gateway's own reader of tokens."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from propylon.jose.token import Token, parse_token
from propylon.jose.verification import Family, VerificationRecord, from_pem, from_secret, verify
from tests.kit.command import Ended, propylon
from tests.kit.tokens import SECRET, Key, ec_key, ed_key, public_pem, rsa_key

NOW = 1_000_000_000


def pem_of(key: Key, **form: Any) -> str:
    given = {"encryption_algorithm": NoEncryption()} | form
    private: Any = key.private_key
    return str(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, **given).decode())


def parsed(ended: Ended) -> Token:
    assert ended.code == 0, ended
    token = parse_token(ended.out.strip())
    assert isinstance(token, Token), token
    return token


def signed(*arguments: str) -> Token:
    return parsed(propylon("jwt", "sign", "--secret-file", "-", *arguments, stdin=SECRET))


@pytest.mark.parametrize(
    ("key", "family", "alg"),
    [
        *((rsa_key(), "rsa", alg) for alg in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
        (ec_key("P-256"), "ecdsa", "ES256"),
        (ec_key("P-384"), "ecdsa", "ES384"),
        (ec_key("P-521"), "ecdsa", "ES512"),
        (ed_key(), "eddsa", "EdDSA"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_private_key_signs_with_every_algorithm_it_fits(key: Any, family: Family, alg: str) -> None:
    token = parsed(propylon("jwt", "sign", "--key", "-", "--alg", alg, stdin=pem_of(key)))
    record = from_pem(public_pem(key).encode(), family=family, id="")
    assert isinstance(record, VerificationRecord)
    assert (token.alg, verify(token, record)) == (alg, None)


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_a_secret_signs_without_the_line_end_of_its_file(alg: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    token = parsed(propylon("jwt", "sign", "--secret-file", str(tmp_path / "secret"), "--alg", alg))
    record = from_secret(SECRET.encode(), id="")
    assert isinstance(record, VerificationRecord)
    assert verify(token, record) is None


def test_claims_are_texts_or_json_and_win_over_those_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "claims").write_text('{"sub": "from the file", "pol": "gold"}')
    token = signed("--claims-file", str(tmp_path / "claims"), "-c", "sub=42", "-c", 'scopes:=["a=b"]', "-c", "n:=42")
    claims = json.loads(token.payload)
    assert {name: claims[name] for name in ("sub", "pol", "scopes", "n")} == {
        "sub": "42",
        "pol": "gold",
        "scopes": ["a=b"],
        "n": 42,
    }


def test_an_hour_is_the_usual_life_and_none_is_possible() -> None:
    claims = json.loads(signed().payload)
    assert claims["exp"] - claims["iat"] == 3600
    assert json.loads(signed("--expires-in", "0").payload) == {}
    assert json.loads(signed("--claim", f"exp:={NOW}").payload)["exp"] == NOW


def test_kid_and_header_members_stand_in_the_header() -> None:
    token = signed("--kid", "acme", "--header", "typ=at+jwt")
    assert token.header == {"alg": "HS256", "typ": "at+jwt", "kid": "acme"}


def test_a_secret_among_the_arguments_is_warned_about() -> None:
    ended = propylon("jwt", "sign", "--secret", SECRET)
    assert ended.code == 0
    assert "--secret-file" in ended.err


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        ((), ""),
        (("--secret-file", "-", "--key", "-"), SECRET),
        (("--key", "-"), SECRET),
        (("--key", "-"), pem_of(ec_key(), encryption_algorithm=BestAvailableEncryption(b"x"))),
        (("--key", "-", "--alg", "RS256"), pem_of(ec_key())),
        (("--secret-file", "-", "--alg", "none"), SECRET),
        (("--secret-file", "-", "--claim", "sub"), SECRET),
        (("--secret-file", "-", "--claim", "sub:=alice"), SECRET),
        (("--secret-file", "-", "--expires-in", "soon"), SECRET),
        (("--secret-file", "-"), ""),
    ],
)
def test_what_cannot_be_signed_so_is_wrong_use(arguments: tuple[str, ...], stdin: str) -> None:
    ended = propylon("jwt", "sign", *arguments, stdin=stdin)
    assert (ended.code, ended.out) == (2, "")
    assert SECRET not in ended.err
