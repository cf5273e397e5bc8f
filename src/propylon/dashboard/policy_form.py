"""The common fields of a policy as a form: what stands in it, and the policy that it makes.

Only what was changed in the form changes in the document. A number may be unsaid (0), unlimited (-1), or a limit: three
choices and not three numbers, as 0 and -1 are what people get wrong (R-1, Q-1). Pure.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from propylon.dashboard.document_edits import Document, at, lines, number_of, number_text, put
from propylon.dashboard.forms import Form

Values = dict[str, str]
PARTS: Final = ("acl", "rate_limit", "quota", "complexity")
STATES: Final[Mapping[str, Document]] = {
    "active": {"active": True, "is_inactive": False},
    "draft": {"active": False, "is_inactive": False},
    "denied": {"is_inactive": True},
}
HOUR_S: Final = 3600
DAY_S: Final = 24 * HOUR_S
LIVES: Final = (
    *((0, "never"), (HOUR_S, "1 hour"), (6 * HOUR_S, "6 hours"), (12 * HOUR_S, "12 hours"), (DAY_S, "24 hours")),
    *((7 * DAY_S, "1 week"), (14 * DAY_S, "2 weeks"), (30 * DAY_S, "1 month"), (91 * DAY_S, "3 months")),
    *((182 * DAY_S, "6 months"), (365 * DAY_S, "12 months")),
)
RENEWALS: Final = tuple(one for one in LIVES if one[0] != 91 * DAY_S)
# name of the form -> (what says it, its number, beside it)
KINDS: Final = {"rate": ("rate", "per"), "quota": ("quota_max", "quota_renewal_rate")}
LIMITS: Final = ("rate_kind", "rate", "per", "quota_kind", "quota_max", "quota_renewal_rate")
THROTTLE: Final = ("throttle_interval", "throttle_retry_limit")
ROOT_FIELDS: Final = ("name", "state", "key_expires_in", "tags", "enforces", *PARTS, *LIMITS, *THROTTLE)
RIGHT_FIELDS: Final = ("versions", "paths", *LIMITS)
RIGHTS_MAX: Final = 40  # APIs in one form; more of them are edited as JSON
STARTING: Final[Document] = {"active": True, "access_rights": {}, "quota_max": -1}


class PolicyValues(NamedTuple):
    root: Values
    rights: dict[str, Values]  # by API id
    meta: list[tuple[str, str]]  # values that are no texts are not in the form


class Made(NamedTuple):
    document: Document
    errors: dict[str, str]  # by field; one of an API's is `versions:<API id>` and the like


def values_of(document: Mapping[str, Any]) -> PolicyValues:
    partitions = document.get("partitions")
    flags = {part: "1" if at(partitions or {}, part) is True else "" for part in PARTS}
    enforces = "each" if at(partitions or {}, "per_api") is True else "parts" if any(flags.values()) else "all"
    root = {
        "name": _text(document.get("name")),
        "state": state_of(document),
        "key_expires_in": str(number_of(number_text(document.get("key_expires_in"))) or 0),
        "tags": "\n".join(one for one in document.get("tags") or [] if isinstance(one, str)),
        "enforces": enforces,
        **flags,
        **_limit_values(document),
        **{name: number_text(document.get(name)) for name in THROTTLE},
    }
    rights = {api_id: _right_values(right) for api_id, right in (document.get("access_rights") or {}).items()}
    meta = [(name, value) for name, value in (document.get("meta_data") or {}).items() if isinstance(value, str)]
    return PolicyValues(root, rights, meta)


def values_in(form: Form) -> PolicyValues:
    rights = {
        api_id: {name: _typed(form, f"{name}:{api_id}") for name in RIGHT_FIELDS}
        for api_id in form.all("right")
        if api_id
    }
    meta = [pair for pair in zip(form.all("meta_name"), form.all("meta_value"), strict=False) if any(pair)]
    return PolicyValues({name: _typed(form, name) for name in ROOT_FIELDS}, rights, meta)


def document_of(base: Mapping[str, Any], now: PolicyValues, names: Mapping[str, str]) -> Made:
    """The policy `base` with what the form says otherwise; `names` are those of the APIs, by id."""
    before, document, errors = values_of(base), dict(base), dict[str, str]()
    if not now.root["name"]:
        errors["name"] = "A policy needs a name."
    if now.root["name"] != before.root["name"]:
        document["name"] = now.root["name"]
    if now.root["state"] != before.root["state"]:
        document |= STATES.get(now.root["state"], {})
    if now.root["key_expires_in"] != before.root["key_expires_in"]:
        document["key_expires_in"] = _number(now.root, "key_expires_in", errors)
    if now.root["tags"] != before.root["tags"]:
        document["tags"] = lines(now.root["tags"])
    document = _with_partitions(document, before.root, now.root)
    document |= _limits(before.root, now.root, errors)
    document |= {name: _number(now.root, name, errors) for name in THROTTLE if now.root[name] != before.root[name]}
    document["access_rights"] = _rights(base.get("access_rights") or {}, before, now, names, errors)
    if sorted(now.meta) != sorted(before.meta):
        document["meta_data"] = _meta_data(base.get("meta_data") or {}, now.meta, errors)
    return Made(document, errors)


def state_of(document: Mapping[str, Any]) -> str:
    if document.get("is_inactive") is True:
        return "denied"
    return "draft" if document.get("active") is False else "active"


def place_of(path: str) -> str:
    """The field of the form that a problem of the policy speaks of, "" for none."""
    parts = path.split(".")
    if parts[0] == "access_rights" and len(parts) > 1:
        return _place_in_right(path.removeprefix("access_rights."))
    renamed = {"id": "id", "partitions": "enforces", "active": "state", "is_inactive": "state"}
    return parts[0] if parts[0] in ROOT_FIELDS else renamed.get(parts[0], "")


def _place_in_right(rest: str) -> str:
    """API ids may hold dots: the members of a right are known, so the end is read."""
    for member, name in (("limit", "rate"), ("allowed_urls", "paths"), ("versions", "versions")):
        api_id, found, inner = rest.partition(f".{member}")
        if found:
            number = inner.rpartition(".")[2]
            return f"{number if number in LIMITS else name}:{api_id}"
    return f"paths:{rest.partition('.endpoints')[0]}"


# -- limits ----------------------------------------------------------------------------------------------------------


def _limit_values(limit: Mapping[str, Any]) -> Values:
    values = {}
    for kind, (number, beside) in KINDS.items():
        said = limit.get(number) or 0
        values[f"{kind}_kind"] = "unlimited" if _is_below_zero(said) else "limited" if said else ""
        values[number] = "" if _is_below_zero(said) else number_text(said)
        values[beside] = number_text(limit.get(beside))
    values["quota_renewal_rate"] = values["quota_renewal_rate"] or "0"
    return values


def _is_below_zero(value: Any) -> bool:
    return isinstance(value, int | float) and value < 0


def _limits(before: Values, now: Values, errors: dict[str, str], suffix: str = "") -> Document:
    """What the form says otherwise."""
    written: Document = {}
    for kind, (number, beside) in KINDS.items():
        if all(now[name] == before[name] for name in (f"{kind}_kind", number, beside)):
            continue
        if now[f"{kind}_kind"] == "limited":
            written |= {name: _number(now, name, errors, suffix) for name in (number, beside)}
            if not now[number]:
                errors[number + suffix] = "Write how many requests."
            elif kind == "rate" and not now[beside]:
                errors[beside + suffix] = "Write per how many seconds."
        else:
            written |= {number: -1 if now[f"{kind}_kind"] else 0, beside: 0}
    return written


def _number(values: Values, name: str, errors: dict[str, str], suffix: str = "") -> int | float:
    number = number_of(values[name])
    if number is None or number < 0:
        errors[name + suffix] = "It must be a number, 0 or more."
    return number or 0


# -- rights ----------------------------------------------------------------------------------------------------------


def _right_values(right: Any) -> Values:
    held = right if isinstance(right, Mapping) else {}
    urls = [one for one in held.get("allowed_urls") or [] if isinstance(one, Mapping)]
    limit = held.get("limit")
    return {
        "versions": ", ".join(one for one in held.get("versions") or [] if isinstance(one, str)),
        "paths": "\n".join(f"{','.join(one.get('methods') or [])} {one.get('url', '')}" for one in urls),
        **_limit_values(limit if isinstance(limit, Mapping) else {}),
    }


def _rights(
    base: Mapping[str, Any],
    before: PolicyValues,
    now: PolicyValues,
    names: Mapping[str, str],
    errors: dict[str, str],
) -> Document:
    empty = _right_values({})
    return {
        api_id: _right(base.get(api_id), before.rights.get(api_id, empty), values, api_id, names, errors)
        for api_id, values in now.rights.items()
    }


def _right(
    held: Any, before: Values, now: Values, api_id: str, names: Mapping[str, str], errors: dict[str, str]
) -> Document:
    right: Document = {"api_id": api_id, "api_name": names.get(api_id, "")} if held is None else dict(held)
    if now["versions"] != before["versions"]:
        right["versions"] = [one.strip() for one in now["versions"].split(",") if one.strip()]
    if now["paths"] != before["paths"]:
        right["allowed_urls"] = _allowed_urls(now["paths"], f"paths:{api_id}", errors)
    limit = _limits(before, now, errors, f":{api_id}")
    if limit:
        own = right.get("limit")
        right["limit"] = {**(own if isinstance(own, Mapping) else {}), **limit}
    return right


def _allowed_urls(text: str, field: str, errors: dict[str, str]) -> list[Document]:
    found = []
    for line in lines(text):
        methods, _, url = line.partition(" ")
        if not url.strip():
            errors[field] = f'"{line}" must be written METHODS PATH, such as GET,POST /charges'
        found.append({"url": url.strip(), "methods": [one for one in methods.split(",") if one]})
    return found


# -- the rest --------------------------------------------------------------------------------------------------------


def _with_partitions(document: Document, before: Values, now: Values) -> Document:
    if all(now[name] == before[name] for name in ("enforces", *PARTS)):
        return document
    parts = {part: now["enforces"] == "parts" and now[part] == "1" for part in PARTS}
    for name, value in {**parts, "per_api": now["enforces"] == "each"}.items():
        document = put(document, f"partitions.{name}", value)
    return document


def _meta_data(base: Mapping[str, Any], pairs: list[tuple[str, str]], errors: dict[str, str]) -> Document:
    """Values that are no texts stay as they are: the form does not show them."""
    if any(not name for name, _ in pairs):
        errors["meta_data"] = "A value needs a name."
    if len({name for name, _ in pairs}) < len(pairs):
        errors["meta_data"] = "A name may stand there once."
    kept = {name: value for name, value in base.items() if not isinstance(value, str)}
    return {**kept, **dict(pairs)}


def _typed(form: Form, name: str) -> str:
    return "\n".join(form.text(name).splitlines())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
