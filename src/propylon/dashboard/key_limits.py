"""The limits in a key's form: rate, quota, throttle; of the key as a whole or of one API. Empty is no limit."""

from collections.abc import Mapping, MutableMapping
from math import isfinite
from typing import Any, Final, Literal

from propylon.dashboard.forms import Form

UNLIMITED: Final = -1
# The members of a session behind each group of fields; a form's field has the member's name.
LIMITS: Final[Mapping[str, tuple[str, ...]]] = {
    "rate": ("rate", "per"),
    "quota": ("quota_max", "quota_renewal_rate"),
    "throttle": ("throttle_interval", "throttle_retry_limit"),
}
RENEWALS: Final = (
    ("0", "never"),
    ("3600", "every hour"),
    ("21600", "every 6 hours"),
    ("43200", "every 12 hours"),
    ("86400", "every 24 hours"),
    ("604800", "every week"),
    ("1209600", "every 2 weeks"),
    ("2592000", "every 30 days"),
    ("15552000", "every 180 days"),
    ("31536000", "every year"),
)
WHOLE: Final = frozenset({"quota_max", "quota_renewal_rate", "throttle_retry_limit"})
WORDS: Final = {
    "rate": "the number of requests",
    "per": "the number of seconds",
    "quota_max": "the number of requests",
    "throttle_interval": "the seconds to wait",
    "throttle_retry_limit": "how often to try",
}
Part = Literal["rate", "quota", "throttle"]


def put_limits(form: Form, suffix: str, target: MutableMapping[str, Any], errors: dict[str, str]) -> None:
    """`suffix` is ":" and the API's id for its own, else ""."""
    _put_rate(form, suffix, target, errors)
    _put_quota(form, suffix, target, errors)
    _put_throttle(form, suffix, target, errors)


def _put_rate(form: Form, suffix: str, target: MutableMapping[str, Any], errors: dict[str, str]) -> None:
    rate, per = (_number(form, name, suffix, errors) for name in LIMITS["rate"])
    if (rate is None) != (per is None):
        missing = "per" if per is None else "rate"
        errors.setdefault(f"{missing}{suffix}", f"Write {WORDS[missing]} too, or empty both.")
    _put(target, "rate", rate, 0)
    _put(target, "per", per, 0)


def _put_quota(form: Form, suffix: str, target: MutableMapping[str, Any], errors: dict[str, str]) -> None:
    most = _number(form, "quota_max", suffix, errors)
    _put(target, "quota_max", most, UNLIMITED)
    renewal = form.text(f"quota_renewal_rate{suffix}")
    if renewal.isascii() and renewal.isdigit() and len(renewal) < 12:
        target["quota_renewal_rate"] = int(renewal)
    elif most is not None:
        errors[f"quota_renewal_rate{suffix}"] = "Choose when it begins anew."


def _put_throttle(form: Form, suffix: str, target: MutableMapping[str, Any], errors: dict[str, str]) -> None:
    interval, tries = (_number(form, name, suffix, errors) for name in LIMITS["throttle"])
    if (interval is None) != (tries is None):
        missing = "throttle_retry_limit" if tries is None else "throttle_interval"
        errors.setdefault(f"{missing}{suffix}", f"Write {WORDS[missing]} too, or empty both.")
    _put(target, "throttle_interval", interval, 0)
    _put(target, "throttle_retry_limit", tries, 0)


def limit_fields(limits: Mapping[str, Any], suffix: str) -> dict[str, list[str]]:
    """Of a stored session or limit."""
    names = [name for names in LIMITS.values() for name in names if name != "quota_renewal_rate"]
    fields = {f"{name}{suffix}": [_text(limits.get(name) or 0)] for name in names}
    return fields | {f"quota_renewal_rate{suffix}": [str(max(0, int(limits.get("quota_renewal_rate") or 0)))]}


def renewals(chosen: str) -> list[tuple[str, str]]:
    """Those that are offered, and the one that stands if it is another."""
    if not chosen or chosen in dict(RENEWALS):
        return list(RENEWALS)
    return [*RENEWALS, (chosen, f"every {chosen} seconds")]


def _put(target: MutableMapping[str, Any], name: str, value: float | None, nothing: int) -> None:
    """An empty field leaves what stands, where that is no limit either."""
    if value is not None:
        target[name] = value
    elif (target.get(name) or 0) > 0 or name not in target:
        target[name] = nothing


def _number(form: Form, name: str, suffix: str, errors: dict[str, str]) -> float | None:
    text = form.text(f"{name}{suffix}").replace(",", "").replace(" ", "")
    if not text:
        return None
    try:
        number = int(text) if name in WHOLE or text.isdigit() else float(text)
    except ValueError:
        number = 0
    if not (isfinite(number) and 0 < number <= 2**53):
        kind = "a whole number" if name in WHOLE else "a number"
        errors[f"{name}{suffix}"] = f"Write {kind} above 0, or leave it empty for no limit."
        return None
    return number


def _text(number: float) -> str:
    if number <= 0:
        return ""
    return str(int(number)) if number == int(number) else f"{number:.15g}"
