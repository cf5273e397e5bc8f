"""An API's issuers, as `jwt_issuers`, `jwt_jwks_uris` or `jwt_source` says: the first that is set counts (J-12).

Each way ends in IssuerSettings; an API with none of them lets each key verify its own tokens. Fetches nothing.
"""

import re
from dataclasses import replace
from typing import Final

from propylon.errors import Problem
from propylon.model.document_reader import DocumentReader, is_number
from propylon.model.issuer_settings import IssuerSettings
from propylon.model.jwt_source import FIELD as SOURCE
from propylon.model.jwt_source import key_set_url, read_static_key
from propylon.model.key_set_url import url_trouble
from propylon.model.signing_families import FAMILY_BY_ALGORITHM, families_of

ISSUERS: Final = "jwt_issuers"
JWKS_URIS: Final = "jwt_jwks_uris"
KEY_SOURCES: Final = ("jwks_uri", "openid_configuration", "key")
MEMBERS: Final = (
    *("issuer", *KEY_SOURCES, "algorithms", "audiences", "subject_claims", "policy_claims", "scope_claim"),
    *("scope_to_policy", "default_policies", "policy_ceiling", "cache_timeout"),
    "key_fingerprint",  # written into answers, dropped when sent
)
ISSUERS_MAX: Final = 100
KEY_SETS_MAX: Final = 16  # of one issuer: each may be asked for one token

_SECONDS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
_DURATION: Final = re.compile(r"(?:\d{1,9}(?:\.\d{1,9})?(?:ms|s|m|h))+")
_DURATION_PART: Final = re.compile(r"([\d.]+)(ms|s|m|h)")


def read_issuers(reader: DocumentReader, common: IssuerSettings) -> tuple[tuple[IssuerSettings, ...], list[Problem]]:
    """Those of the first field that is set, and the warnings; `common` is what the definition says for all."""
    written = [field for field in (ISSUERS, JWKS_URIS, SOURCE) if reader.value(field)]
    if not written:
        return (), []
    text = f"is not used: {written[0]} comes before it; remove one of them"
    warnings = [Problem(field, "jwt_source_not_used", text) for field in written[1:]]
    if written[0] == ISSUERS:
        issuers, found = _listed(reader, common)
    elif written[0] == JWKS_URIS:
        issuers, found = _key_sets(reader, common)
    else:
        issuers, found = _source(reader, common)
    return issuers, [*found, *warnings]


def _source(reader: DocumentReader, common: IssuerSettings) -> tuple[tuple[IssuerSettings, ...], list[Problem]]:
    """J-13: one key for all, or one key set."""
    text = reader.text(SOURCE)
    if not text:  # of the wrong type, which is reported
        return (), []
    if url := key_set_url(text):
        return (replace(common, jwks_uris=(url,)),), _url_problems(reader, SOURCE, url)
    family = FAMILY_BY_ALGORITHM[min(common.algorithms)]  # of the one signing method
    key, warnings = read_static_key(reader, SOURCE, family, common.algorithms)
    return (replace(common, key=key),), warnings


def _key_sets(reader: DocumentReader, common: IssuerSettings) -> tuple[tuple[IssuerSettings, ...], list[Problem]]:
    """One issuer of several sets, looked through in this order (J-19); the shortest of their cache times holds."""
    entries = list(reader.objects(JWKS_URIS))
    if len(entries) > KEY_SETS_MAX:
        reader.report(JWKS_URIS, "too_many", f"may list {KEY_SETS_MAX} URLs; remove some")
    uris, times, warnings = [], [], list[Problem]()
    for entry in entries:
        entry.only("url", "cache_timeout", "cacheTimeout")
        uris.append(entry.text("url").strip())
        warnings += _url_problems(entry, "url", uris[-1])
        times += [time for name in ("cache_timeout", "cacheTimeout") if (time := _duration(entry, name))]
    return (replace(common, jwks_uris=tuple(uris), cache_timeout_s=min(times, default=None)),), warnings


# -- jwt_issuers -----------------------------------------------------------------------------------------------------


def _listed(reader: DocumentReader, common: IssuerSettings) -> tuple[tuple[IssuerSettings, ...], list[Problem]]:
    issuers, warnings, names = [], list[Problem](), set[str]()
    entries = list(reader.objects(ISSUERS))
    if len(entries) > ISSUERS_MAX:
        reader.report(ISSUERS, "too_many", f"may list {ISSUERS_MAX} issuers; remove some")
    for entry in entries:
        issuer, found = _issuer(entry, common)
        if issuer.issuer in names:
            entry.report("issuer", "issuer_twice", "is listed before; a token's iss must lead to one entry")
        names.add(issuer.issuer)
        if len(entries) > 1 and issuer.policy_claims and issuer.policy_ceiling is None:
            text = "is not set, so this issuer's tokens can name every policy of the organisation; list those they may"
            found.append(Problem(entry.place("policy_ceiling"), "jwt_ceiling_missing", text))
        issuers.append(issuer)
        warnings += found
    return tuple(issuers), warnings


def _issuer(entry: DocumentReader, common: IssuerSettings) -> tuple[IssuerSettings, list[Problem]]:
    entry.only(*MEMBERS)
    algorithms = _algorithms(entry, common)
    scopes = {scope: _policies(entry, scope, value) for scope, value in entry.members("scope_to_policy").items()}
    issuer = replace(
        common,
        issuer=entry.text("issuer"),
        algorithms=algorithms,
        family=_family(algorithms),
        audiences=entry.texts("audiences") or common.audiences,
        subject_claims=entry.texts("subject_claims") or common.subject_claims,
        policy_claims=entry.texts("policy_claims") or common.policy_claims,
        scope_claim=entry.text("scope_claim") or common.scope_claim,
        scope_to_policy=scopes or common.scope_to_policy,
        default_policies=entry.texts("default_policies") or common.default_policies,
        policy_ceiling=_ceiling(entry),
        cache_timeout_s=_duration(entry, "cache_timeout"),
    )
    if not issuer.issuer:
        entry.report("issuer", "issuer_missing", "must be the text that the tokens' iss claim has, letter by letter")
    _check_ceiling(entry, issuer)
    return _with_keys(entry, issuer)


def _with_keys(entry: DocumentReader, issuer: IssuerSettings) -> tuple[IssuerSettings, list[Problem]]:
    given = [name for name in KEY_SOURCES if entry.text(name)]
    if len(given) != 1:
        entry.report(
            "", "issuer_keys", f"must have exactly one of {', '.join(KEY_SOURCES)}, so that its keys are known"
        )
        return issuer, []
    if given[0] == "key":
        if not issuer.family:
            if issuer.algorithms:
                text = "must be of one family, as the issuer has one key; remove the others"
                entry.report("algorithms", "jwt_algorithms_mixed", text)
            return issuer, []
        key, warnings = read_static_key(entry, "key", FAMILY_BY_ALGORITHM[min(issuer.algorithms)], issuer.algorithms)
        return replace(issuer, key=key), warnings
    url = entry.text(given[0]).strip()
    if given[0] == "jwks_uri":
        return replace(issuer, jwks_uris=(url,)), _url_problems(entry, given[0], url)
    return replace(issuer, openid_configuration=url), _url_problems(entry, given[0], url)


def _algorithms(entry: DocumentReader, common: IssuerSettings) -> frozenset[str]:
    named = frozenset(entry.texts("algorithms"))
    if unknown := named - set(FAMILY_BY_ALGORITHM):
        text = f"names {min(unknown)}, which is no algorithm; use {', '.join(FAMILY_BY_ALGORITHM)}"
        entry.report("algorithms", "jwt_algorithm_unknown", text)
    if not (named or common.algorithms):
        text = "must be listed, or jwt_signing_method be set for the issuers that list none"
        entry.report("algorithms", "missing", text)
    families = families_of(named)
    if "hmac" in families and len(families) > 1:  # RFC 8725 §3.1: where one is right the other is an attack
        entry.report("algorithms", "jwt_algorithms_mixed", "mixes HMAC with public keys; keep one of the two")
    return named or common.algorithms


def _family(algorithms: frozenset[str]) -> str:
    families = families_of(algorithms)
    return families.pop() if len(families) == 1 else ""


def _policies(entry: DocumentReader, scope: str, value: object) -> tuple[str, ...]:
    """One policy, or a list of which all apply."""
    if isinstance(value, str) and value:
        return (value,)
    if isinstance(value, list) and value and all(isinstance(one, str) and one for one in value):
        return tuple(value)
    entry.report(f"scope_to_policy.{scope}", "wrong_type", "must be the id of a policy, or a list of such")
    return ()


def _ceiling(entry: DocumentReader) -> frozenset[str] | None:
    if entry.value("policy_ceiling") is None:
        return None
    listed = frozenset(entry.texts("policy_ceiling"))
    if not listed:
        text = "lists no policy, so no token could pass; list those that may be given, or leave it out for any"
        entry.report("policy_ceiling", "policy_ceiling_empty", text)
    return listed


def _check_ceiling(entry: DocumentReader, issuer: IssuerSettings) -> None:
    """What the definition itself gives must lie below it too."""
    if issuer.policy_ceiling is None:
        return
    mapped = {policy for policies in issuer.scope_to_policy.values() for policy in policies}
    for policy in sorted({*issuer.default_policies, *mapped} - issuer.policy_ceiling):
        text = f"leaves out {policy}, which the defaults or scopes give; add it, or give another"
        entry.report("policy_ceiling", "policy_outside_ceiling", text)


# -- values ----------------------------------------------------------------------------------------------------------


def _url_problems(reader: DocumentReader, path: str, url: str) -> list[Problem]:
    """Reports a URL that cannot be; warns of one that is refused unless a setting allows it."""
    if trouble := url_trouble(url, allow_insecure=True):
        reader.report(path, "jwks_url_invalid", trouble)
    elif trouble := url_trouble(url):
        return [Problem(reader.place(path), "jwks_url_insecure", trouble)]
    return []


def _duration(reader: DocumentReader, path: str) -> float | None:
    """J-18: seconds, or a text such as "3m"; nothing and 0 mean what the key set's answer says."""
    value = reader.value(path)
    if value is None or value == "":
        return None
    if isinstance(value, str) and _DURATION.fullmatch(value):
        return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(value)) or None
    if is_number(value) and value >= 0:
        return float(value) or None
    reader.report(path, "wrong_type", 'must be a time such as "300s" or "3m", or a number of seconds')
    return None
