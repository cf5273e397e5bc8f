"""What is told of a trace: the refusal or failure that was sent with it, as the log knows it.

The log has no credential, so what is told ends there; `question` is the beginning of what explain can be asked.
"""

from typing import Any, Final

from propylon.control.refusals import refusal_of
from propylon.usage.line import LogEntry

NOT_YET_S: Final = 5.0  # workers flush each second, and the drain adds what it finds each second
EXPLAIN: Final = "/tyk/explain"


def story_of(entry: LogEntry) -> dict[str, Any]:
    refusal = refusal_of(entry.reason)
    identity = {"record": entry.identity, "key_hash": entry.key_hash, "name": entry.name} if entry.identity else None
    question = {"url": entry.path, "method": entry.method, "ip": entry.client_ip}
    return {
        "trace": entry.trace,
        "at": entry.at,
        "request": {"method": entry.method, "path": entry.path, "client_ip": entry.client_ip},
        "api_id": entry.api_id,
        "identity": identity,
        "step": refusal.step,
        "rule": refusal.rule,
        "because": refusal.because,
        "latency_us": entry.latency_us,
        "upstream_status": entry.upstream_status,
        "one_in": entry.one_in,
        "verdict": {"status": entry.status, "reason": entry.reason, "passes": False},
        "reasons": "docs/reasons.md",
        "explain": {"method": "POST", "path": EXPLAIN, "body": question, "add": "token or key, as the client sent it"},
    }


def is_recent(made_at: float, now: float) -> bool:
    """Whether its exchange may still be on its way into the log; a clock may be a little ahead of another."""
    return abs(now - made_at) < NOT_YET_S
