"""The settings in force, secrets masked. What one is for stands beside it, as in docs/settings.md."""

from typing import Any, Final, NamedTuple

from starlette.responses import Response

from propylon.dashboard.visit import Visit
from propylon.settings import Settings
from propylon.settings.shown import Shown, is_masked, shown_settings

UNSET: Final = "unset"


class Row(NamedTuple):
    name: str
    value: str
    meaning: str
    is_set: bool  # otherwise than by default


async def show(visit: Visit) -> Response:
    """`?q=` narrows by name and meaning."""
    wanted = visit.query.get("q", "").strip().lower()
    rows = [_row(visit.desk.settings, name, value) for name, value in shown_settings(visit.desk.settings).items()]
    found = [row for row in rows if wanted in f"{row.name} {row.meaning}".lower()]
    return visit.page("settings.html", rows=found, q=visit.query.get("q", ""), total=len(rows))


def _row(settings: Settings, name: str, value: Shown) -> Row:
    field = Settings.model_fields[name]
    assert field.description is not None
    is_set = name in settings.model_fields_set and getattr(settings, name) != field.default
    return Row(name, _text(value, is_secret=is_masked(name)), field.description.replace("`", ""), is_set)


def _text(value: Any, *, is_secret: bool) -> str:
    if value is None or value in ("", []):
        return UNSET
    if is_secret:
        return "set, not shown"
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) if isinstance(value, list) else str(value)
