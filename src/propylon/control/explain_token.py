"""What the JWT step went by, stage by stage: form, method, whose key, signature, times, claims, identity, policies.

Tells what the step has decided; the token is taken apart again only to show what is in it.
"""

from collections.abc import Iterator
from typing import Any, Final

from propylon.control.explain_stage import Seen, Stage, moment, shown
from propylon.errors import Denial
from propylon.jose.claims import claim_at, identity_from, read_claims
from propylon.jose.token import Token, parse_token
from propylon.model.jwt_settings import ClaimRules, IssuerSettings, JwtSettings
from propylon.steps.credential import CredentialReader
from propylon.steps.keyring import KeyEntry
from propylon.steps.subjects import policies_of

NO_RULES: Final = ClaimRules()
HIDDEN: Final = "(not shown: it is the ID of a key that is a credential)"


def token_stages(seen: Seen, credential: str) -> Iterator[Stage]:
    settings = seen.definition.jwt
    assert settings is not None
    yield Stage("form", f"{len(credential)} characters", "J-6", "three parts, each read strictly")
    token = parse_token(credential)
    claims = token if isinstance(token, str) else read_claims(token.payload)
    assert isinstance(token, Token), "or its form was refused"
    assert isinstance(claims, dict), "or its form was refused"
    allowed = ", ".join(sorted(settings.algorithms))
    taken = token.alg in settings.algorithms
    yield Stage("family" if taken else "method", shown(token.alg), "J-7", f"the API takes {allowed}")
    if settings.issuers:
        yield from _issuer_stages(seen, settings, token, claims)
    else:
        yield from _key_stages(seen, settings, token, claims)


def issuer_of(settings: JwtSettings, claims: dict[str, Any]) -> IssuerSettings | None:
    """Whose settings judge a token: the nameless one of central mode, else the one its `iss` names."""
    named = [issuer for issuer in settings.issuers if issuer.issuer in ("", claims.get("iss"))]
    return named[0] if named else None


def entry_of(seen: Seen) -> KeyEntry | None:
    """The key that the decision rested on."""
    names = [name for name in seen.exchange.rested_on if name.startswith("key:")]
    found = seen.keyring.cached(names[0].removeprefix("key:")) if names else None
    return None if found is None else found.entry


async def look_up_kid(seen: Seen) -> None:
    """Has the key at hand that a token's `kid` may be the ID of, so that `shown_kid` can tell what it is."""
    credential = CredentialReader(seen.definition.credential).read(seen.exchange.head)
    token = parse_token(credential) if isinstance(credential, str) else ""
    if isinstance(token, Token) and token.kid is not None:
        await seen.keyring.find(seen.keyring.key_hash(seen.definition.org_id, token.kid))


def shown_kid(seen: Seen, kid: str) -> str:
    """A `kid` is there to be read, unless somebody wrote a credential there."""
    found = seen.keyring.cached(seen.keyring.key_hash(seen.definition.org_id, kid))
    is_credential = found is not None and found.entry is not None and not found.entry.is_identifier
    return HIDDEN if is_credential else shown(kid)


def policy_stage_of(entry: KeyEntry) -> Stage:
    """Of a key that is there."""
    policies = ", ".join(map(shown, entry.session.policy_ids))
    because = "those that the key names" if policies else "the key has its own access rights"
    return Stage("policies", policies or "none", "P-1", because)


def _key_stages(seen: Seen, settings: JwtSettings, token: Token, claims: dict[str, Any]) -> Iterator[Stage]:
    """Per-key mode."""
    entry = entry_of(seen)
    if settings.require_kid and token.kid is None:
        yield Stage("kid", "none", "J-21", "")
    if token.kid is None or settings.skip_kid:
        claim = _identity_claim(claims, (settings.identity_base_field,) if settings.identity_base_field else ())
        why = "the token has no kid" if token.kid is None else "jwt_skip_kid is set"
        yield Stage("identity", f"claim {claim}", "J-21", f"it names the key, as {why}")
    else:
        yield Stage("kid", shown_kid(seen, token.kid), "J-21", "it names the key; the identity claim is not consulted")
    if entry is None:
        names = [name.removeprefix("key:") for name in seen.exchange.rested_on]
        yield Stage("key", f"hash {names[0]}" if names else "", "J-24", "")
        return
    alias = f', alias "{shown(entry.own.alias or entry.session.alias)}"'
    yield Stage("key", f"hash {entry.key_hash}", "J-24", f"found: {entry.name}{alias}")
    yield Stage("method", shown(token.alg), "J-7", "the key allows it")
    used = seen.exchange.credential
    by = f"generation {used[1]} of {used[0]}" if used is not None else f"the secret or public key of {entry.name}"
    yield Stage("signature", token.alg, "J-14", f"made with {by}")
    yield from _claim_stages(seen, settings.claims, claims)
    yield policy_stage_of(entry)


def _issuer_stages(seen: Seen, settings: JwtSettings, token: Token, claims: dict[str, Any]) -> Iterator[Stage]:
    """Central mode and issuers."""
    issuer = issuer_of(settings, claims)
    if issuer is None or issuer.issuer:
        yield Stage("issuer", f"iss {shown(claims.get('iss', '(none)'))}", "J-12", "one of the API's issuers")
    assert issuer is not None, "or the issuer was refused"
    yield Stage("method", shown(token.alg), "J-7", "the issuer allows it")
    if issuer.key:
        yield Stage("key", "the one in the definition", "J-13", "it is the issuer's own")
    else:
        yield Stage(
            "kid",
            "none" if token.kid is None else shown_kid(seen, token.kid),
            "J-17",
            "it names a key of the issuer's set",
        )
        urls = ", ".join((*issuer.jwks_uris, issuer.openid_configuration)).strip(", ")
        yield Stage("key", shown(urls), "J-17", "the issuer's key set has it")
    yield Stage("signature", token.alg, "J-9", "made with the issuer's key")
    yield from _claim_stages(seen, settings.claims, claims, issuer.audiences)
    subject = identity_from(claims, *issuer.subject_claims)[0] or ""
    yield Stage("identity", f"claim {_identity_claim(claims, issuer.subject_claims)}", "J-22", f"{shown(subject)}")
    yield _policy_stage(issuer, claims)


def _claim_stages(
    seen: Seen, rules: ClaimRules, claims: dict[str, Any], audiences: tuple[str, ...] = ()
) -> Iterator[Stage]:
    times = ", ".join(f"{name} {_time(claims.get(name))}" for name in ("exp", "nbf", "iat"))
    yield Stage("times", times, "J-23a", f"in force at {moment(seen.wall)}")
    asked = [name for name in ClaimRules.__slots__ if getattr(rules, name)] + ["audiences"] * bool(audiences)
    if asked:
        yield Stage("claims", ", ".join(dict.fromkeys(asked)), "J-23b", "every blocking rule is kept")


def _policy_stage(issuer: IssuerSettings, claims: dict[str, Any]) -> Stage:
    chosen = policies_of(issuer, claims)
    asked = ", ".join(issuer.policy_claims) or "none"
    scopes = f", scopes in {issuer.scope_claim}" if issuer.scope_to_policy else ""
    input = f"policy claim {shown(asked)}{scopes}"
    if isinstance(chosen, Denial):
        return Stage("policies", input, "J-28", "")
    named = ", ".join(map(shown, chosen.policy_ids))
    by = "the defaults" if chosen.by == "defaults" else "named by the token"
    return Stage("policies", input, "J-28", f"{named}: {by}")


def _identity_claim(claims: dict[str, Any], base_claims: tuple[str, ...]) -> str:
    """The first that says in a text whom the token speaks of, as `identity_from` looks for it."""
    return shown(next((name for name in base_claims if isinstance(claim_at(claims, name), str)), "sub"))


def _time(value: object) -> str:
    return moment(value) if isinstance(value, int | float) and not isinstance(value, bool) else shown(value or "–")
