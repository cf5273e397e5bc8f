"""The form that narrows a page of activity: what may be chosen, what was typed, and what is narrowed to now."""

from typing import Any, NamedTuple

from propylon.control.usage_api.row import NO_KEY_HASH
from propylon.dashboard.activity.asking import known_callers
from propylon.dashboard.activity.scope import RANGES, TYPED, Scope
from propylon.dashboard.names import api_names
from propylon.dashboard.visit import Visit
from propylon.dashboard.words import short_hash
from propylon.stores.records.names import CallerName


class Chip(NamedTuple):
    """A filter that is set, in words."""

    name: str
    title: str
    text: str


async def filter_form(visit: Visit, scope: Scope | None, errors: dict[str, str]) -> dict[str, Any]:
    """For the template. Without a scope, as what was typed could not be read, all of it stands in the form again."""
    names = await api_names(visit)
    typed = {name: visit.query.get(name, "") for name in TYPED}
    kept = {} if scope is None else {name: value for name, value in scope.own().items() if name not in TYPED}
    kept.pop("res", None)  # it may not part the range that is chosen now
    return {
        "api_choices": sorted(names.items(), key=lambda one: one[1].lower()),
        "api_names": names,
        "typed": typed,
        "kept": kept,
        "errors": errors,
        "ranges": RANGES,
        "chips": [] if scope is None else await _chips(visit, scope, names),
        "may": visit.who.permissions.allows,
    }


async def _chips(visit: Visit, scope: Scope, names: dict[str, str]) -> list[Chip]:
    titles = {"api_id": "API", "api_version": "version", "tags": "tag", "code": "status", "errors": "only"}
    texts = dict(scope.filters)
    if "api_id" in texts:
        texts["api_id"] = names.get(texts["api_id"], texts["api_id"])
    if "errors" in texts:
        texts["errors"] = "errors"
    if "caller" in texts:
        record = "" if texts["caller"] == NO_KEY_HASH else texts["caller"]
        texts["caller"] = name_of((await known_callers(visit, [record]))[0])
    return [Chip(name, titles.get(name, name), text) for name, text in texts.items()]


def name_of(known: CallerName) -> str:
    """What a caller is called on a page."""
    if not known.record:
        return "no key"
    if not known.exists:
        return f"deleted {known.record if known.record.startswith('k') else short_hash(known.record)}"
    return known.alias or f"no alias ({short_hash(known.key_hash)})"
