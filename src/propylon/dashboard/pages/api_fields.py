"""What of a definition takes effect, field by field, and what does not; a guard may be served without, on request."""

from typing import Final, NamedTuple

from starlette.responses import Response

from propylon.control.envelope import Refused
from propylon.dashboard.definitions import API, Refusal, Stored, may_write, save, stored
from propylon.dashboard.visit import Visit
from propylon.model.field_classes import OPT_OUTS, fields_of
from propylon.model.field_row import FieldClass

MEANINGS: Final = {
    FieldClass.GUARD: "Not in this version, and without it more would get in, more would get out, or requests would go "
    "elsewhere. The API answers 503 until the field is removed, or you say that it shall be served without.",
    FieldClass.LESS: "Not in this version, and leaving it out only gives less. The API is served without it.",
    FieldClass.UNKNOWN: "No field of a definition is called so, here or in Tyk. It is kept and has no effect.",
    FieldClass.DORMANT: "Set, and without effect as things are: what it depends on is off, or elsewhere in Tyk.",
    FieldClass.HONOURED: "Does what it says.",
}


class Shown(NamedTuple):
    path: str
    what: str
    opt_out: str  # "" when there is none, "offered", or "taken"


class Group(NamedTuple):
    name: str
    meaning: str
    fields: list[Shown]


async def show(visit: Visit) -> Response:
    api = await stored(visit, API)
    return visit.page(
        "api_fields.html",
        api=api,
        id=visit.path["id"],
        classes=_groups(api),
        may_write=may_write(visit, "apis") and not api.file,
    )


async def ask_opt_out(visit: Visit) -> Response:
    api, path = await stored(visit, API), visit.query.get("field", "")
    field = next((one for group in _groups(api) for one in group.fields if one.path == path and one.opt_out), None)
    if field is None:
        raise Refused(404, "This field is no guard that can be left out; look at the report again")
    return visit.page("api_opt_out.html", api=api, id=visit.path["id"], field=field)


async def opt_out(visit: Visit) -> Response:
    """Puts the field on the list, or takes it off; the answer to a lost race is the report as it now is."""
    api, path, takes = await stored(visit, API), visit.form.text("field"), visit.form.text("do") == "serve"
    listed = [one for one in api.document.get(OPT_OUTS) or [] if one != path]
    written = await save(
        visit, API, {**api.document, OPT_OUTS: [*listed, path] if takes else listed}, visit.form.text("etag")
    )
    if isinstance(written, Refusal):
        reasons = "; ".join(f"{one.path} {one.message}" for one in written.problems)
        raise Refused(409, f"{reasons or written.message}. Look at the report again")
    return visit.to(f"/apis/{written.id}/fields", done="opted_out" if takes else "opted_in", said=written.said)


def _groups(api: Stored) -> list[Group]:
    listed = set(api.document.get(OPT_OUTS) or [])
    fields: dict[FieldClass, list[Shown]] = {one: [] for one in MEANINGS}
    for path, field in fields_of(api.document):
        taken = bool(listed & {path, field.path.removesuffix(".**")})
        is_open = field.field_class is FieldClass.GUARD and field.opt_out
        fields[field.field_class].append(Shown(path, field.what, ("taken" if taken else "offered") if is_open else ""))
    return [Group(one, MEANINGS[one], found) for one, found in fields.items()]
