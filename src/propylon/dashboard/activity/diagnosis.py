"""What to send to whoever is asked for help: all that decided one request, and nothing that is secret (user-pains P20).

The path has no query, as the log keeps none; a key is told by its hash. Who sent it from where is not told.
"""

import json
from typing import Any, Final

from propylon import __version__
from propylon.control.refusals import refusal_of
from propylon.dashboard.activity.log_entries import Logged
from propylon.dashboard.visit import Visit
from propylon.dashboard.words import iso
from propylon.model.document_reader import unwrap

MODES: Final = {
    "central": "central: the identity provider signs the tokens",
    "issuers": "issuers: one of several identity providers signs the tokens",
    "per_key": "per key: each client signs with its own key",
}


async def diagnosis(visit: Visit, entry: Logged) -> str:
    """Lines of a name and what it is."""
    api = await _api(visit, entry)
    rule = refusal_of(entry.reason) if entry.reason else None
    lines = {
        "time": iso(entry.at),
        "request": f"{entry.method} {entry.path}",
        "answer": f"{entry.status} {entry.reason}".strip(),
        "because": entry.because,
        "step": "" if rule is None else rule.step,
        "rule": "" if rule is None else rule.rule,
        "target's answer": str(entry.upstream_status or ""),
        "latency": f"{entry.latency_us} µs",
        "trace": entry.trace,
        **api,
        **await _caller(visit, entry),
        "versions": f"propylon {__version__}, records revision {visit.desk.standing.revision}",
        "sampled": f"1 in {entry.one_in}" if entry.one_in > 1 else "",
    }
    width = max(map(len, lines))
    return "\n".join(f"{name:<{width}}  {value}" for name, value in lines.items() if value)


async def _api(visit: Visit, entry: Logged) -> dict[str, str]:
    row = await visit.desk.records.api(entry.api_id) if entry.api_id else None
    if row is None or row.org_id != visit.who.org_id:
        return {"api": f"{entry.api_id} (not there now)" if entry.api_id else "none listens on this path"}
    definition = visit.desk.known_apis.definition(row)
    told = {"api": f"{entry.api} ({entry.api_id}), origin {row.origin}"}
    if definition is None:
        return told | {"api mode": "its definition does not compile now"}
    jwt = "" if definition.jwt is None else f", {MODES.get(definition.jwt.mode, definition.jwt.mode)}"
    return told | {"api mode": f"{definition.auth_mode}{jwt}", "api versions": _versions(json.loads(row.body))}


def _versions(body: dict[str, Any]) -> str:
    data = unwrap(body).get("version_data") or {}
    if data.get("not_versioned", True):
        return "not versioned"
    return ", ".join(data.get("versions") or {})


async def _caller(visit: Visit, entry: Logged) -> dict[str, str]:
    if not entry.record:
        return {"caller": "nobody was known yet"}
    name = f"{entry.caller or 'no alias'} ({entry.kind}, {entry.record})"
    told = {"caller": name if entry.is_known else f"{name}, deleted since", "key hash": entry.key_hash}
    if not entry.is_known:
        return told
    policies = await _policies(visit, entry.record)
    return told | {"policies": ", ".join(policies) or "none named; rights may be the key's own"}


async def _policies(visit: Visit, record: str) -> list[str]:
    """Ids of those of now; of a subject, those it came under last."""
    if not record.startswith("k"):
        identity = await visit.desk.records.identity(record)
        return [] if identity is None else identity.policies
    row = await visit.desk.records.key_of_record(int(record[1:]))
    if row is None or row.org_id != visit.who.org_id:
        return []
    session = json.loads(row.session)
    single = session.get("apply_policy_id") or ""
    return session.get("apply_policies") or ([single] if single else [])
