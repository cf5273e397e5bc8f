"""What an explanation adds to its steps: what was sent and not used, what was nearly right, what is no part of it."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from propylon.control.explain_stage import Seen, shown
from propylon.control.explain_token import issuer_of
from propylon.errors import Denial
from propylon.jose.claims import claim_at, read_claims
from propylon.jose.token import Token, parse_token
from propylon.model.effective import EffectiveSession
from propylon.model.jwt_settings import JwtSettings
from propylon.steps.credential import CredentialReader

KEYS_IN_HEADERS: Final = ("jwk", "jku", "x5u", "x5c")
ENDINGS: Final = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_."
IMPORTED: Final = (
    "imported keys are here: live, the first good use of an ID that nobody has yet may pin one of them; asking does not"
)
AT: Final = "at moves the time that tokens and keys are compared with; counters are as they stand now"


def notes_of(seen: Seen) -> list[str]:
    """Of what was sent."""
    credential = CredentialReader(seen.definition.credential).read(seen.exchange.head)
    notes: list[str] = []
    if seen.definition.jwt is not None and isinstance(credential, str) and credential:
        notes += _token_notes(seen.definition.jwt, credential)
    if seen.exchange.caller is not None:
        notes += _session_notes(seen.exchange.caller.session)
    return notes


def _token_notes(settings: JwtSettings, credential: str) -> Iterator[str]:
    token = parse_token(credential)
    if isinstance(token, str):
        return
    claims = read_claims(token.payload)
    for name in KEYS_IN_HEADERS:
        if name in token.header:
            yield f"header {name} is present but never used: who signs does not choose the key that verifies"
    if isinstance(claims, dict):
        yield from _claim_notes(settings, token, claims)


def _claim_notes(settings: JwtSettings, token: Token, claims: dict[str, Any]) -> Iterator[str]:
    if not settings.issuers:
        for name in (settings.policy_field_name or "pol", "scope"):
            if claim_at(claims, name) is not None:
                yield f"claim `{shown(name)}` is present but not used in this mode: each key has its own access"
        name = settings.identity_base_field or "sub"
        if token.kid is not None and not settings.skip_kid and claim_at(claims, name) is not None:
            yield f"claim `{shown(name)}` is present but names nobody in this mode: `kid` names the key"
        return
    issuer = issuer_of(settings, claims)
    if issuer is not None and issuer.key and token.kid is not None:
        yield "header `kid` is present but not used: the issuer has one key, which stands in the definition"
    if issuer is not None and not issuer.policy_claims and claim_at(claims, "pol") is not None:
        yield "claim `pol` is present but not used: the API names no policy claim (jwt_policy_field_name)"


def _session_notes(session: EffectiveSession) -> Iterator[str]:
    for policy_id in session.skipped_policies:
        yield f"policy {shown(policy_id)} is named but does not exist, so nothing comes from it (P-3)"
    if session.policies and session.key.access_rights:
        yield "access rights of the key itself are not used: those of its policies stand in their place (P-26)"


async def near_misses(seen: Seen, denial: Denial, organisations: Iterable[str]) -> list[str]:
    """Of a key ID that nobody has, what is near it. Told are IDs of keys that are no credentials, and where IDs are."""
    sent = _sent_id(seen, denial)
    if not sent:
        return []
    notes = [IMPORTED] if seen.foretold else []  # what was counted is a guess
    for key_id, how in _variants(sent):
        found = await seen.keyring.find(seen.keyring.key_hash(seen.definition.org_id, key_id))
        if found.entry is not None and found.entry.is_identifier:
            notes.append(f'a key with the ID "{shown(key_id)}" exists: {how}')
    for org_id in organisations:
        if org_id != seen.definition.org_id:
            found = await seen.keyring.find(seen.keyring.key_hash(org_id, sent))
            if found.entry is not None:
                notes.append(f'organisation "{shown(org_id)}" has a key with this ID, but the API is of another')
    return notes


def _sent_id(seen: Seen, denial: Denial) -> str:
    credential = CredentialReader(seen.definition.credential).read(seen.exchange.head)
    if not isinstance(credential, str) or denial.reason not in ("key_unknown", "jwt_unknown_kid"):
        return ""
    if seen.definition.jwt is None:
        return credential
    token = parse_token(credential)
    return "" if isinstance(token, str) else token.kid or ""


def _variants(sent: str) -> list[tuple[str, str]]:
    """Few, and each a mistake people make."""
    if len(sent) > 256:
        return []
    variants = {
        sent.lower(): "it differs in case only",
        sent.upper(): "it differs in case only",
        sent.strip().strip("\"'"): "blanks or quotes stand around it",
        sent[:-1]: "its last character is one too many",
    }
    variants |= {sent + ending: "its last character is missing" for ending in ENDINGS}
    variants.pop(sent, None)
    variants.pop("", None)
    return list(variants.items())
