"""The JWT part of an API's form: where the verifying keys are, and what a token's claims mean (user-pains P1). Pure.

A stored secret is in no value: an empty one keeps it. Named issuers are shown and edited as JSON only.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

from propylon.dashboard.document_edits import Document, at, lines, number_of, number_text, put, without
from propylon.model.api_definition import extract_secrets
from propylon.model.jwt_source import decode_source, key_set_url

MODES: Final = ("central", "per_key", "issuers")
TEXTS: Final = {"identity_claim": "jwt_identity_base_field", "policy_claim": "jwt_policy_field_name"}
FLAGS: Final = {"require_kid": "jwt_require_kid", "skip_kid": "jwt_skip_kid", "require_exp": "jwt_require_exp"}
LISTS: Final = {
    "default_policies": "jwt_default_policies",
    "allowed_subjects": "jwt_allowed_subjects",
    "allowed_audiences": "jwt_allowed_audiences",
    "allowed_issuers": "jwt_allowed_issuers",
}
SKEWS: Final = {
    "exp_skew": "jwt_expires_at_validation_skew",
    "iat_skew": "jwt_issued_at_validation_skew",
    "nbf_skew": "jwt_not_before_validation_skew",
}
CENTRAL_ONLY: Final = ("policy_claim", "default_policies", "scope_claim", "scope_policies")
PER_KEY_ONLY: Final = ("require_kid", "skip_kid")
_SOURCES: Final = ("jwt_mode", "source_kind", "secret", "public_key", "key_set_urls", "signing_method")
JWT_FIELDS: Final = (*_SOURCES, *TEXTS, *FLAGS, *LISTS, *SKEWS, "scope_claim", "scope_policies")
JWT_PLACES: Final[Mapping[str, str]] = {
    **{path: name for held in (TEXTS, FLAGS, LISTS, SKEWS) for name, path in held.items()},
    "jwt_signing_method": "signing_method",
    "jwt_source": "secret",
    "jwt_jwks_uris": "key_set_urls",
    "scopes.jwt.scope_claim_name": "scope_claim",
    "jwt_scope_claim_name": "scope_claim",
    "scopes": "scope_policies",
    "jwt_scope_to_policy_mapping": "scope_policies",
}
PEM: Final = b"-----BEGIN"
NO_SOURCE: Final = {
    "secret": "Write the secret that your identity provider signs with.",
    "public_key": "Paste the public key of your identity provider.",
    "key_set_urls": "Write the address of your identity provider's key set (JWKS).",
}
FIELD_OF_KIND: Final = {"secret": "secret", "public_key": "public_key", "urls": "key_set_urls"}


def jwt_values(document: Mapping[str, Any]) -> dict[str, str]:
    claim, policies = _scopes(document)
    return {
        "jwt_mode": mode_of(document),
        **_source_values(document),
        "signing_method": _text(document.get("jwt_signing_method")) or "hmac",
        **{name: _text(document.get(path)) for name, path in TEXTS.items()},
        **{name: "1" if document.get(path) is True else "" for name, path in FLAGS.items()},
        **{name: "\n".join(_texts(document.get(path))) for name, path in LISTS.items()},
        **{name: number_text(document.get(path)) for name, path in SKEWS.items()},
        "scope_claim": claim,
        "scope_policies": "\n".join(f"{scope} = {policy}" for scope, policy in policies.items()),
    }


def typed_values(document: Mapping[str, Any]) -> dict[str, str]:
    """What a typed secret makes of the form's fields, where the definition is a draft that still holds it."""
    source = extract_secrets(document)[1].get("jwt_source", "")
    raw = decode_source(source) or source.encode()
    if not source or raw.startswith(PEM):
        return {}
    return {"source_kind": "secret", "secret": raw.decode(errors="replace"), "public_key": ""}


def mode_of(document: Mapping[str, Any]) -> str:
    """As `model/definition_secrets.public_view` says it; of a definition without JWT, that of a new one."""
    if document.get("jwt_issuers"):
        return "issuers"
    sources = ("jwt_source", "jwt_source_fingerprint", "jwt_jwks_uris")
    return "central" if any(document.get(name) for name in sources) else "per_key"


def jwt_document(
    document: Document, before: Mapping[str, str], now: Mapping[str, str], errors: dict[str, str]
) -> tuple[Document, list[str]]:
    """With the JWT fields of the form, and the secrets that go. The other mode's fields change nothing."""
    mode = now["jwt_mode"]
    if mode not in MODES or (mode == "issuers" and before["jwt_mode"] != "issuers"):
        errors["jwt_mode"] = "Choose who signs the tokens."
        return document, []
    passed_over = {"central": PER_KEY_ONLY, "per_key": CENTRAL_ONLY, "issuers": PER_KEY_ONLY}[mode]
    changed = [name for name in JWT_FIELDS if now[name] != before[name] and name not in passed_over]
    for name in changed:
        document = _with_field(document, name, now, errors)
    if {"scope_claim", "scope_policies"} & set(changed):
        document = _with_scopes(document, now, errors)
    return _with_source(document, before, now, errors)


def _with_field(document: Document, name: str, now: Mapping[str, str], errors: dict[str, str]) -> Document:
    value = now[name]
    if name in TEXTS:
        return put(document, TEXTS[name], value)
    if name in FLAGS:
        return put(document, FLAGS[name], value == "1")
    if name in LISTS:
        return put(document, LISTS[name], lines(value))
    if name in SKEWS:
        number = number_of(value)
        errors |= {} if number is not None else {name: "It must be a number of seconds."}
        return put(document, SKEWS[name], number)
    return document


def _with_source(
    document: Document, before: Mapping[str, str], now: Mapping[str, str], errors: dict[str, str]
) -> tuple[Document, list[str]]:
    mode, kind = now["jwt_mode"], now["source_kind"]
    if mode == "issuers":
        return document, []
    field = FIELD_OF_KIND.get(kind)
    if mode == "central" and field is None:
        errors["source_kind"] = "Choose what your identity provider gives you."
        return document, []
    method = "hmac" if mode == "central" and kind == "secret" else now["signing_method"]
    if method != before["signing_method"] or not document.get("jwt_signing_method"):
        document = {**document, "jwt_signing_method": method}
    if mode == "per_key":
        return _without_sources(document, before["jwt_mode"])
    assert field is not None, "told above"
    if before["jwt_mode"] == "central" and kind == before["source_kind"] and now[field] == before[field]:
        return document, []
    if not now[field]:
        errors[field] = NO_SOURCE[field]
        return document, []
    return _written_source(document, kind, now[field])


def _written_source(document: Document, kind: str, text: str) -> tuple[Document, list[str]]:
    document = without(document, "jwt_issuers")
    if kind != "urls":  # J-10: a secret is the base64 of its bytes, as Tyk writes it
        source = b64encode(text.encode()).decode() if kind == "secret" else text
        return {**without(document, "jwt_jwks_uris"), "jwt_source": source}, []
    entries = document.get("jwt_jwks_uris")
    known = (
        {_text(at(one, "url")): one for one in entries if isinstance(one, Mapping)} if isinstance(entries, list) else {}
    )
    uris = [known.get(url, {"url": url}) for url in lines(text)]
    return {**document, "jwt_source": "", "jwt_jwks_uris": uris}, _stored(document)


def _without_sources(document: Document, mode_before: str) -> tuple[Document, list[str]]:
    if mode_before == "per_key":
        return document, []
    clear = _stored(document)
    for name in ("jwt_issuers", "jwt_jwks_uris"):
        document = without(document, name)
    return {**document, "jwt_source": ""}, clear


def _stored(document: Mapping[str, Any]) -> list[str]:
    """The secret that stays where a write leaves it empty, and has to be named to go (design §3.5)."""
    return ["jwt_source"] if document.get("jwt_source_fingerprint") else []


def _source_values(document: Mapping[str, Any]) -> dict[str, str]:
    source, uris = _text(document.get("jwt_source")), document.get("jwt_jwks_uris")
    urls = [_text(at(one, "url")) for one in uris if isinstance(one, Mapping)] if isinstance(uris, list) else []
    urls = urls or ([key_set_url(source)] if key_set_url(source) else [])
    public_key = "" if urls or not source else _as_pem(source)
    kind = "urls" if urls else "public_key" if public_key else "secret"
    return {"source_kind": kind, "secret": "", "public_key": public_key, "key_set_urls": "\n".join(urls)}


def _as_pem(source: str) -> str:
    raw = decode_source(source) or b""
    try:
        return raw.decode().strip() if raw.startswith(PEM) else source
    except UnicodeDecodeError:
        return source


def _scopes(document: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """J-4: the old fields are read only when the whole `scopes` object is empty."""
    names = [f"scopes.{kind}.{name}" for kind in ("jwt", "oidc") for name in ("scope_claim_name", "scope_to_policy")]
    if not any(at(document, name) for name in names):
        names = ["jwt_scope_claim_name", "jwt_scope_to_policy_mapping"]
    claim, policies = (at(document, name) for name in names[:2])
    named = policies if isinstance(policies, Mapping) else {}
    return _text(claim), {scope: policy for scope, policy in named.items() if isinstance(policy, str)}


def _with_scopes(document: Document, now: Mapping[str, str], errors: dict[str, str]) -> Document:
    policies = {}
    for line in lines(now["scope_policies"]):
        scope, equals, policy = (part.strip() for part in line.rpartition("="))
        if not (scope and equals and policy):
            errors["scope_policies"] = f'"{line}" must be written scope = policy ID, one on a line.'
        policies[scope] = policy
    for old in ("jwt_scope_claim_name", "jwt_scope_to_policy_mapping"):
        document = without(document, old)
    document = put(document, "scopes.jwt.scope_claim_name", now["scope_claim"])
    return put(document, "scopes.jwt.scope_to_policy", policies)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
