"""What a process of a node says of itself while it lives, so that the nodes of a fleet can be shown in one place."""

import json
from typing import Any, NamedTuple


class Report(NamedTuple):
    """Numbers are those of the process, not of its node."""

    role: str
    version: str
    since: float  # Unix time its node was started
    applied_revision: int  # 0 of a process that serves no traffic
    exchanges_per_s: float
    running_exchanges: int


def encode(report: Report) -> str:
    return json.dumps(report._asdict(), separators=(",", ":"))


def parse(text: str) -> Report | None:
    """None for what is no report: another version may say other things."""
    try:
        said = json.loads(text)
    except ValueError:
        return None
    return _report(said) if isinstance(said, dict) else None


def _report(said: dict[str, Any]) -> Report | None:
    match {name: said.get(name) for name in Report._fields}:
        case {
            "role": str(role),
            "version": str(version),
            "since": int() | float() as since,
            "applied_revision": int(applied),
            "exchanges_per_s": int() | float() as per_s,
            "running_exchanges": int(running),
        }:
            return Report(role, version, since, applied, per_s, running)
    return None
