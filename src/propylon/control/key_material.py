"""What a new generation is made of: a token, a secret, a public key or the URL of a key set, judged before it is kept.

Knows no route and no store. What is short or publicly known is a warning, and refused under `strict_secrets`.
"""

import json
from secrets import token_urlsafe
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from propylon.control.definitions import refused_when_strict
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, listed
from propylon.control.rotation_order import RotationOrder
from propylon.errors import Problem
from propylon.jose.jwk import record_of_jwk
from propylon.jose.verification import VerificationRecord, from_pem, from_secret
from propylon.model.key_ring import Kind, RingEntry
from propylon.model.key_set_url import url_trouble
from propylon.model.session import Session
from propylon.model.session_record import JwtSecret
from propylon.model.session_secrets import HMAC_SECRET_MIN_BYTES, JWT_SECRET, secret_problems, secret_warnings

SECRET_BYTES: Final = 64  # random ones: enough for HS512 (RFC 7518 §3.2)
PUBLIC_FAMILIES: Final = ("rsa", "ecdsa", "eddsa")


class Material(NamedTuple):
    kind: Kind
    text: str  # as it is kept, a JWK as PEM
    algorithm: str
    warnings: list[Problem]
    is_made: bool = False  # by us, so that nobody else knows it yet


def material(desk: Desk, order: RotationOrder, before: RingEntry) -> Material:
    """Of the generation after `before`. Raises Refused."""
    if order.material == "secret":
        return _secret(desk, order.value, _hmac_algorithm(order, before))
    if order.material == "public_key":
        return _public_key(order, before)
    if order.material == "jwks_uri":
        return _key_set(desk, order)
    if before.kind != "hmac" and not order.must_generate:
        text = "is needed, as this key verifies with a public key; or write generate: true for a secret that is made"
        raise _refused(Problem("public_key", "material_missing", text))
    made = _secret(desk, token_urlsafe(SECRET_BYTES), _hmac_algorithm(order, before))
    return made._replace(is_made=True)


def _secret(desk: Desk, secret: str, algorithm: str) -> Material:
    session = Session(jwt_data=JwtSecret(secret, algorithm))
    problems = [problem._replace(path="secret") for problem in secret_problems(session) if problem.path == JWT_SECRET]
    record = from_secret(secret.encode(), id="")
    if isinstance(record, Problem):
        problems.append(record._replace(path="secret"))
    warnings = [warning._replace(path="secret") for warning in secret_warnings(session)]
    problems += refused_when_strict(warnings, desk.settings)
    if problems:
        raise _refused(*problems)
    return Material("hmac", secret, algorithm, warnings)


def _hmac_algorithm(order: RotationOrder, before: RingEntry) -> str:
    if order.algorithm and order.algorithm not in HMAC_SECRET_MIN_BYTES:
        text = f'"{order.algorithm}" does not use a secret; use one of {", ".join(HMAC_SECRET_MIN_BYTES)}'
        raise _refused(Problem("algorithm", "algorithm_unfit", text))
    return order.algorithm or (before.algorithm if before.algorithm in HMAC_SECRET_MIN_BYTES else "")


def _public_key(order: RotationOrder, before: RingEntry) -> Material:
    jwk = _jwk(order.value)
    record = _of_pem(order.value, "") if jwk is None else record_of_jwk(jwk, id="")
    if isinstance(record, Problem):
        raise _refused(record._replace(path="public_key"))
    algorithm = order.algorithm or (before.algorithm if before.algorithm in record.algorithms else "")
    if algorithm and algorithm not in record.algorithms:
        text = f'"{algorithm}" is nothing this key is used with; use one of {", ".join(sorted(record.algorithms))}'
        raise _refused(Problem("algorithm", "algorithm_unfit", text))
    if jwk is None:
        return Material("pem", order.value, algorithm, [])
    algorithm = algorithm or (str(jwk["alg"]) if "alg" in jwk else "")
    return Material("jwk", _pem(record), algorithm, [])


def _jwk(value: Any) -> dict[str, Any] | None:
    """None when it is PEM, or meant to be."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise _refused(Problem("public_key", "jwk_malformed", "is no JSON; write a JWK (RFC 7517)")) from None
    return value if isinstance(value, dict) else None


def _of_pem(text: str, id: str) -> VerificationRecord | Problem:
    made = [from_pem(text.encode(), family=family, id=id) for family in PUBLIC_FAMILIES]
    fitting = [record for record in made if isinstance(record, VerificationRecord)]
    problems = [problem for problem in made if isinstance(problem, Problem) and problem.code != "jwt_key_unfit"]
    return fitting[0] if fitting else (problems or [problem for problem in made if isinstance(problem, Problem)])[0]


def _pem(record: VerificationRecord) -> str:
    public_key = record.key.public_key
    text: bytes = public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return text.decode()


def _key_set(desk: Desk, order: RotationOrder) -> Material:
    trouble = url_trouble(order.value, allow_insecure=desk.settings.allow_insecure_jwks)
    if trouble:
        raise _refused(Problem("jwks_uri", "jwks_uri_unfit", trouble))
    if not order.algorithm or order.algorithm in HMAC_SECRET_MIN_BYTES:
        text = "is needed beside jwks_uri: the one the holder signs with, not an HMAC"
        raise _refused(Problem("algorithm", "algorithm_missing", text))
    return Material("jwks_uri", order.value, order.algorithm, [])


def _refused(*problems: Problem) -> Refused:
    return Refused(400, f"{problems[0].path} {problems[0].message}", problems=listed(problems))
