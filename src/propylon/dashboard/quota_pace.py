"""How fast a quota is used up: what is left, and when it would be over if it went on as since it began. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Pace(NamedTuple):
    """Of the quota of one API, or of the key for all that count with it."""

    scope: str  # the API's id, "the key", or a policy's
    most: int
    left: int
    renews: float  # Unix seconds, 0 = not begun, or never
    runs_out: float  # Unix seconds, 0 = it lasts until it begins anew, or cannot be told


def paces(session: Mapping[str, Any] | None, now: float) -> list[Pace]:
    """Each counter once; `session` as effective.py tells it, None when nothing is in force."""
    found: dict[str, Pace] = {}
    for access in (session or {"access": {}})["access"].values():
        most = access["quota_max"]
        if most > 0 and access["counters_of"] not in found:
            left, renews = access["quota_remaining"], access["quota_renews"]
            runs_out = _runs_out(most, left, renews, access["quota_renewal_rate"], now)
            found[access["counters_of"]] = Pace(access["counters_of"], most, left, renews, runs_out)
    return list(found.values())


def _runs_out(most: int, left: int, renews: float, period_s: float, now: float) -> float:
    began, used = renews - period_s, most - left
    if not renews or period_s <= 0 or used <= 0 or left <= 0 or now <= began:
        return 0.0
    at = now + left * (now - began) / used
    return at if at < renews else 0.0
