"""What hostile tokens for an API have to look like: out of its definition, a sound token, or the true signing key.

Reads the running gateway and the key sets that the definition names. Changes nothing.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from propylon.cli.calls import Unreachable, parse_url, path_of, send
from propylon.cli.ending import WRONG_USE, stop, warn
from propylon.cli.gateway import Gateway
from propylon.cli.hostile_tokens import Aim
from propylon.cli.signing import Signer
from propylon.jose.json_object import parse_object
from propylon.model.jwt_source import decode_source, key_set_url
from propylon.model.public_keys import load_public_key

LIFE_S: Final = 600
USUAL: Final[Mapping[str, str]] = {"hmac": "HS256", "rsa": "RS256", "ecdsa": "ES256", "eddsa": "EdDSA"}

PublishedKey = RSAKey | ECKey | OKPKey
Definition = Mapping[str, Any]


def read_definition(gateway: Gateway, api_id: str) -> dict[str, Any]:
    """Ends the command if there is none, or none that reads JWTs."""
    path = path_of("apis", api_id)
    answer = gateway.call("GET", path)
    gateway.demand_yes(answer, f"GET {path}")
    definition = answer.document
    if not isinstance(definition, dict) or not definition.get("enable_jwt") or definition.get("use_keyless"):
        stop(WRONG_USE, f"API {api_id} reads no JWTs (enable_jwt), so there is nothing to audit")
    return definition


def aim_at(
    gateway: Gateway, definition: Definition, token: str, signer: Signer | None, decoy_url: str, now: int
) -> Aim:
    published = [key for url in _key_set_urls(definition) for key in _fetched(url)]
    if token:
        header, claims = _parts(token)
    else:
        header = {"alg": _algorithm(definition, signer), "typ": "JWT"}
        kid = _kid(gateway, definition, published, signer)
        header, claims = header | ({"kid": kid} if kid else {}), _claims(gateway, definition, now)
    names = [str(one["issuer"]) for one in _issuers(definition) if one.get("issuer")]
    others = tuple(name for name in names if name != claims.get("iss"))
    public_keys = (*_written_keys(definition), *(form for key in published for form in _forms_of_published(key)))
    return Aim(header, claims, token, signer, public_keys, others, decoy_url)


# -- header and claims as a sound token has them ----------------------------------------------------------------------


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        raw = [urlsafe_b64decode(part + "==") for part in token.split(".")]
    except ValueError:
        raw = []
    header, claims = (parse_object(part) for part in raw[:2]) if len(raw) == 3 else (None, None)
    if header is None or claims is None or not isinstance(header.get("alg"), str):
        stop(WRONG_USE, "what was given with --like is no JWT")
    return header, claims


def _algorithm(definition: Definition, signer: Signer | None) -> str:
    allowed = definition.get("jwt_allowed_algorithms") or [
        one for issuer in _issuers(definition) for one in issuer.get("algorithms") or []
    ]
    if signer is not None:
        return next((one for one in signer.algorithms if one in allowed), signer.algorithms[0])
    return str(next(iter(allowed), USUAL.get(str(definition.get("jwt_signing_method")), "RS256")))


def _kid(gateway: Gateway, definition: Definition, published: Sequence[PublishedKey], signer: Signer | None) -> str:
    """Of the signer's key where that is published, else of any: a stranger would use a kid that is known."""
    if definition.get("jwt_mode") == "per_key":
        query = {"api_id": definition["api_id"], "details": True, "limit": 100}
        keys = gateway.call("GET", "/tyk/keys", query=query).document or {}
        return next((str(one["key_id"]) for one in keys.get("details", []) if one.get("kind") == "jwt_key"), "")
    own = [key for key in published if signer is not None and key.thumbprint() == signer.key.thumbprint()]
    return next((str(key.kid) for key in (*own, *published) if key.kid), "")


def _claims(gateway: Gateway, definition: Definition, now: int) -> dict[str, Any]:
    claims: dict[str, Any] = {"sub": "audit", "iat": now, "exp": now + LIFE_S}
    issuer = next(iter(_issuers(definition)), {})
    claims |= {"iss": issuer["issuer"]} if issuer.get("issuer") else {}
    claims |= {"aud": issuer["audiences"]} if issuer.get("audiences") else {}
    policies = gateway.call("GET", "/tyk/policies").document or []
    granting = [one["id"] for one in policies if definition["api_id"] in (one.get("access_rights") or {})]
    field = next(iter(issuer.get("policy_claims") or []), definition.get("jwt_policy_field_name"))
    return claims | ({field: granting[0]} if field and granting else {})


def _issuers(definition: Definition) -> list[Mapping[str, Any]]:
    given = definition.get("jwt_issuers")
    return [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []


# -- keys that everybody can read, in the spellings in which somebody may take them for a secret ----------------------


def _written_keys(definition: Definition) -> Iterator[bytes]:
    texts = [definition.get("jwt_source"), *(one.get("key") for one in _issuers(definition))]
    for text in filter(None, map(str, filter(None, texts))):
        if not key_set_url(text):
            yield text.encode()
            yield from _forms(decode_source(text) or b"")


def _key_set_urls(definition: Definition) -> list[str]:
    named = [key_set_url(str(definition.get("jwt_source") or ""))]
    named += [str(one.get("jwks_uri") or "") for one in _issuers(definition)]
    named += [str(one.get("url") or "") for one in definition.get("jwt_jwks_uris") or [] if isinstance(one, Mapping)]
    return [url for url in dict.fromkeys(named) if url]


def _fetched(url: str) -> list[PublishedKey]:
    try:
        body = send(parse_url(url), "GET", "", {"Accept": "application/json"}).body
        keys = KeySet.import_key_set(json.loads(body)).keys
    except (Unreachable, ValueError, JoseError, KeyError, TypeError) as trouble:
        warn(f"the key set {url} could not be read ({trouble}), so its keys were not tried as HMAC secrets")
        return []
    return [key for key in keys if isinstance(key, PublishedKey)]


def _forms_of_published(key: PublishedKey) -> Iterator[bytes]:
    yield json.dumps(key.as_dict(private=False)).encode()
    yield from _forms(key.as_pem(private=False))


def _forms(raw: bytes) -> Iterator[bytes]:
    key = load_public_key(raw)
    if key is not None:
        spki = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        yield from (spki, spki.strip(), key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
