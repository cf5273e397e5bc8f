"""A key's session, judged: read from JSON with every fault at once, written back whole, compared, checked when new.

Knows no store and no API: whether a policy or an API it names exists is asked elsewhere.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final

from propylon.errors import Problem
from propylon.model.access_definition import AccessDefinition, rate_warnings, rights_problems, rights_warnings
from propylon.model.members import Findings, Record, read_record, write_record
from propylon.model.policy import inline_problems
from propylon.model.session_fields import SESSION_UNHONOURED, class_warnings
from propylon.model.session_record import Session as Session
from propylon.model.session_record import root_limit
from propylon.model.session_secrets import extract_secrets as extract_secrets
from propylon.model.session_secrets import is_jwt_key as is_jwt_key
from propylon.model.session_secrets import keep_secrets as keep_secrets
from propylon.model.session_secrets import key_kind as key_kind
from propylon.model.session_secrets import public_view as public_view
from propylon.model.session_secrets import secret_problems, secret_warnings

KEY_ID_MAX_BYTES: Final = 256
# What the gateway writes itself; a repeated POST is "the same body" without them.
_SET_BY_GATEWAY: Final = frozenset(
    {"date_created", "last_updated", "quota_renews", "quota_remaining", "last_check", "allowance"}
)
_SET_IN_RIGHTS: Final = frozenset({"allowance_scope", "api_name"})


def parse_session(document: object, *, now: float | None = None) -> tuple[Session | None, list[Problem], list[Problem]]:
    """(session, problems, warnings); no session when there are problems. `now` adds the warnings that need the time."""
    findings = Findings()
    session = _judged(document, findings)
    if session is None:
        return None, findings.problems, findings.warnings
    findings.warnings.extend(_warnings(session, now))
    return session, [], findings.warnings


def read_stored_session(document: object) -> Session | Problem:
    """By the same rules, for those who only serve it: nothing is warned of, and unknown members are left out."""
    findings = _Silent()
    session = _judged(document, findings)
    return findings.problems[0] if session is None else session


def session_to_json(session: Session) -> dict[str, Any]:
    """Every limit, flag and list, zero or not (F-40)."""
    return write_record(session)


def session_to_stored(session: Session) -> str:
    """The JSON text for the records: reads as the same session, and is short, as every worker reads it."""
    document = _differing(session)
    if session.access_rights:
        document["access_rights"] = {api_id: _stored_right(right) for api_id, right in session.access_rights.items()}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def comparable(session: Session) -> object:
    """Equal for two sessions that mean the same; secrets are compared apart, by whoever holds them."""
    document = {name: value for name, value in write_record(session).items() if name not in _SET_BY_GATEWAY}
    document["access_rights"] = {
        api_id: _comparable_right(right) for api_id, right in document["access_rights"].items()
    }
    return document


def check_new_session(session: Session, *, now: float, previous_expires: int | None) -> list[Problem]:
    """`previous_expires` is that of the key being changed, None for a new one (F-16: Tyk turns past into never)."""
    expires = session.expires
    if expires <= 1 or expires >= now or expires == previous_expires:
        return []
    text = f"is in the past ({_moment(expires)}); give a later Unix time in seconds, or -1 for never"
    return [Problem("expires", "expires_in_past", text)]


def check_key_id(key_id: str, min_length: int) -> Problem | None:
    """M-2, and only what every client can send: the ID travels in headers, queries and the API's own paths."""
    if len(key_id) < min_length:
        text = (
            f"custom key ID length {len(key_id)} is less than min_token_length ({min_length}); the key would be "
            "unreachable at auth time. Use an ID of at least min_token_length characters, or lower min_token_length "
            "in the gateway configuration."
        )
        return Problem("key_id", "key_id_too_short", text)
    if len(key_id) > KEY_ID_MAX_BYTES:
        return Problem("key_id", "key_id_too_long", f"custom key ID is longer than {KEY_ID_MAX_BYTES} characters")
    if not all(" " <= character <= "~" for character in key_id) or "/" in key_id or key_id != key_id.strip():
        text = 'custom key ID may hold printable ASCII without "/" and may not begin or end with a blank'
        return Problem("key_id", "key_id_invalid", text)
    return None


class _Silent(Findings):
    """Looking for what an unknown member may have meant costs 0.1 ms each."""

    def unknown(self, path: str, name: str, known: Sequence[str], secret_holders: frozenset[str] | None) -> bool:
        return False


def _judged(document: object, findings: Findings) -> Session | None:
    session = read_record(Session, document, "", findings)
    if not findings.problems:
        findings.problems.extend(chain(rights_problems(session.access_rights), secret_problems(session)))
        findings.problems.extend(inline_problems(session))
    return None if findings.problems else session


def _differing(record: Record) -> dict[str, Any]:
    """The members that are not as in an empty record; unknown ones in any case."""
    empty = write_record(type(record)())
    return {name: value for name, value in write_record(record).items() if name not in empty or value != empty[name]}


def _stored_right(right: AccessDefinition) -> dict[str, Any]:
    document = _differing(right)
    if right.limit is not None:
        document["limit"] = _differing(right.limit)
    return document


def _comparable_right(right: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in right.items() if name not in _SET_IN_RIGHTS}
    if kept["limit"] is not None:
        kept["limit"] = {name: value for name, value in kept["limit"].items() if name not in _SET_BY_GATEWAY}
    return kept


def _warnings(session: Session, now: float | None) -> Iterator[Problem]:
    yield from rights_warnings(session.access_rights)
    yield from rate_warnings(root_limit(session), "")
    yield from class_warnings(session, SESSION_UNHONOURED)
    yield from secret_warnings(session)
    yield from _policy_warnings(session)
    if now is not None:
        yield from _time_warnings(session, now)


def _policy_warnings(session: Session) -> Iterator[Problem]:
    if session.apply_policy_id:
        used = "is deprecated" if not session.apply_policies else "is deprecated and not read, as apply_policies is set"
        yield Problem("apply_policy_id", "deprecated", f"{used}; write apply_policies")
    if session.policy_ids and session.access_rights:
        text = "are replaced by those of the policies that apply_policies names; leave one of the two out"
        yield Problem("access_rights", "access_rights_replaced", text)


def _time_warnings(session: Session, now: float) -> Iterator[Problem]:
    """Exports and old examples carry these (user-pains P18)."""
    limits = [("", session.quota_renews)]
    limits += [
        (f"access_rights.{api_id}.limit.", access.limit.quota_renews)
        for api_id, access in session.access_rights.items()
        if access.limit is not None
    ]
    for path, renews in limits:
        if 0 < renews < now:
            yield Problem(f"{path}quota_renews", "quota_renews_past", "is in the past; the gateway sets it")


def _moment(seconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):  # before year 1 or after 9999
        return str(seconds)
