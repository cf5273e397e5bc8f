"""A key changed by a form, or as the JSON that the Gateway API shows; counters go on counting.

Both say which state they were made from. If somebody else came first, nothing is written: the page says what would be
replaced, keeps what was typed, and may be sent again, knowingly. The secret is not here: `key_rotation.py` replaces it.
"""

import json
from typing import Any, Final

from starlette.responses import Response

from propylon.control import key_foresight, key_reads, keys
from propylon.control.envelope import Refused
from propylon.control.strict_json import MalformedJson, read_object
from propylon.dashboard import problems
from propylon.dashboard.asking import ask
from propylon.dashboard.definitions import CHANGED_MEANWHILE
from propylon.dashboard.differences import Difference, differences
from propylon.dashboard.forms import Form
from propylon.dashboard.json_places import Places
from propylon.dashboard.key_choices import choices_of
from propylon.dashboard.key_form import chosen_apis, fields_of, read_key_form
from propylon.dashboard.key_life import KEEP
from propylon.dashboard.key_page import FIELDS, form_values, own_fields
from propylon.dashboard.typed_secrets import FIELD, shown_session, shown_text, whole_session
from propylon.dashboard.visit import Visit
from propylon.dashboard.warned import said, said_later
from propylon.dashboard.words import moment
from propylon.stores.ports import KeyRow

Document = dict[str, Any]
OF_ANSWERS: Final = ("kind", "key_hash", "key_id")  # beside the session in what is read
COUNTERS: Final = frozenset({"quota_remaining", "quota_renews", "last_updated"})  # move by themselves
CUT: Final = "Secrets that stood in the text are taken out of it: type them again."
KEEPS_COUNTERS: Final = {"suppress_reset": "1"}


async def show(visit: Visit) -> Response:
    row, session = await _stored(visit)
    return await _form_page(visit, row, session, fields_of(session))


async def change(visit: Visit) -> Response:
    """`do`: choose (shows the fields of what is chosen), preview, or save."""
    row, stored = await _stored(visit)
    form = visit.form
    if form.text("do") == "choose":
        return await _form_page(visit, row, stored, form)
    choices = await choices_of(visit)
    document, errors = read_key_form(form, choices, stored, visit.now)
    if errors:
        return await _form_page(visit, row, stored, form, errors=errors, status=422)
    try:
        if form.text("do") == "preview":
            path = {"key_id": row.key_hash}
            foreseen = await ask(visit, key_foresight.foresee, path=path, body=document)
            return await _form_page(visit, row, stored, form, foreseen=foreseen)
        return await _saved(visit, row, document)
    except Refused as refused:
        if refused.status == CHANGED_MEANWHILE:
            lost = _replaced(stored, document)
            return await _form_page(visit, row, stored, form, lost=lost, status=CHANGED_MEANWHILE)
        if refused.status == 404:
            raise
        own = own_fields(chosen_apis(form))
        errors = problems.by_field(problems.problems_of(refused), FIELDS | own, chosen_apis(form))
        return await _form_page(visit, row, stored, form, errors=errors, status=422)


async def show_json(visit: Visit) -> Response:
    row, session = await _stored(visit)
    return _json_page(visit, row, session, _text(session))


async def change_json(visit: Visit) -> Response:
    row, stored = await _stored(visit)
    text = visit.form.exact("document").replace("\r\n", "\n")
    try:
        session = whole_session(visit, read_object(text.encode()))
    except MalformedJson as trouble:
        return _malformed(visit, row, stored, text, trouble)
    try:
        return await _saved(visit, row, session)
    except Refused as refused:
        shown, secrets = shown_session(visit, session)
        text = _text(shown) if secrets else text
        if refused.status == CHANGED_MEANWHILE:
            lost = _replaced(stored, shown)
            return _json_page(visit, row, stored, text, secrets, lost=lost, status=CHANGED_MEANWHILE)
        if refused.status == 404:
            raise
        listed = problems.problems_of(refused)
        places = Places(text)
        placed = [(places.of(one["path"]).line, f"{one['path']} {one['message']}".strip()) for one in listed]
        return _json_page(visit, row, stored, text, secrets, trouble=placed, status=422)


def _malformed(visit: Visit, row: KeyRow, stored: Document, text: str, trouble: MalformedJson) -> Response:
    """What was typed into it as a secret is taken out, as nobody can tell its place."""
    shown, found = shown_text(text), [(0, problems.sentence({"path": "", "message": f"the text {trouble}"}))]
    found += [(0, CUT)] if shown != text else []
    return _json_page(visit, row, stored, shown, visit.form.text(FIELD), trouble=found, status=422)


async def _stored(visit: Visit) -> tuple[KeyRow, Document]:
    """The key, and its session as people may read it."""
    shown = await ask(visit, key_reads.read, path={"key_id": visit.path["key_hash"]})
    row = await visit.desk.records.key(shown["key_hash"])
    if row is None:
        raise Refused(404, "Key not found")
    return row, {name: value for name, value in shown.items() if name not in OF_ANSWERS}


async def _saved(visit: Visit, row: KeyRow, document: Document) -> Response:
    told = await ask(
        visit,
        keys.change,
        path={"key_id": row.key_hash},
        query=KEEPS_COUNTERS,
        body=document,
        if_match=f'"{visit.form.text("etag")}"',
        writes=True,
    )
    return visit.to(f"/keys/{row.key_hash}", done="key_changed", **said_later(told["warnings"]))


def _replaced(now: Document, typed: Document) -> list[Difference]:
    """What saving again would put in the place of what stands there now."""
    return [one for one in differences(now, typed) if one.path.rpartition(".")[2] not in COUNTERS]


async def _form_page(
    visit: Visit,
    row: KeyRow,
    stored: Document,
    form: Form,
    *,
    errors: dict[str, str] | None = None,
    foreseen: Document | None = None,
    lost: list[Difference] | None = None,
    status: int = 200,
) -> Response:
    choices = await choices_of(visit)
    values = form_values(form, choices, errors or {})
    kept = [(KEEP, "As it is: " + ("never" if (stored.get("expires") or 0) <= 1 else moment(stored["expires"])))]
    values["lives"] = [*kept, *values["lives"]]
    warnings = [] if foreseen is None else said(foreseen["warnings"], choices)
    state = _state(visit, row, stored, form, is_lost=lost is not None)
    return visit.page("key_edit.html", status, **values, **state, foreseen=foreseen, warnings=warnings, lost=lost)


def _json_page(
    visit: Visit,
    row: KeyRow,
    stored: Document,
    text: str,
    sealed: str = "",
    *,
    trouble: list[tuple[int, str]] | None = None,
    lost: list[Difference] | None = None,
    status: int = 200,
) -> Response:
    """`trouble`: lines (0 for none) and what is wrong there."""
    state = _state(visit, row, stored, visit.form, is_lost=lost is not None)
    return visit.page("key_json.html", status, text=text, sealed=sealed, trouble=trouble or [], lost=lost, **state)


def _state(visit: Visit, row: KeyRow, stored: Document, form: Form, *, is_lost: bool) -> dict[str, Any]:
    """What the form was made from; after a lost race, what stands now."""
    is_fresh = is_lost or "etag" not in form
    return {
        "key_hash": row.key_hash,
        "title": stored.get("alias") or "A key without an alias",
        "etag": visit.desk.records.key_etag(row) if is_fresh else form.text("etag"),
    }


def _text(session: Document) -> str:
    return json.dumps(session, indent=2, ensure_ascii=False)
