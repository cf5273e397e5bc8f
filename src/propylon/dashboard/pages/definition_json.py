"""A definition or a policy as JSON, with each problem at its line. An empty secret keeps the stored."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from starlette.responses import Response

from propylon.control.strict_json import MalformedJson, read_object
from propylon.dashboard import api_form, policy_form
from propylon.dashboard.definitions import (
    API,
    POLICY,
    Document,
    Kind,
    Refusal,
    Stored,
    create,
    may_write,
    pretty,
    said_once,
    save,
    stored,
)
from propylon.dashboard.json_places import Place, Places
from propylon.dashboard.pages import api_edit, policy_edit
from propylon.dashboard.review import ask_first, reviewed
from propylon.dashboard.typed_secrets import FIELD, shown_definition, shown_text, whole_definition
from propylon.dashboard.visit import Visit
from propylon.model.definition_secrets import FINGERPRINT
from propylon.model.permissions import Area

AREAS: Final[Mapping[str, Area]] = {"API": "apis", "policy": "policies"}


class Found(NamedTuple):
    """A problem, and where in the text it is."""

    place: Place
    message: str


async def show_api(visit: Visit) -> Response:
    return await _show(visit, API)


async def show_policy(visit: Visit) -> Response:
    return await _show(visit, POLICY)


async def change_api(visit: Visit) -> Response:
    return await _change(visit, API)


async def change_policy(visit: Visit) -> Response:
    return await _change(visit, POLICY)


async def show_new_api(visit: Visit) -> Response:
    return _page(visit, API, None, pretty({"name": "", "api_id": "", **api_form.STARTING}))


async def show_new_policy(visit: Visit) -> Response:
    return _page(visit, POLICY, None, pretty({"id": "", "name": "", **policy_form.STARTING}))


async def make_api(visit: Visit) -> Response:
    return await _make(visit, API)


async def make_policy(visit: Visit) -> Response:
    return await _make(visit, POLICY)


async def _show(visit: Visit, kind: Kind) -> Response:
    one = await stored(visit, kind)
    return _page(visit, kind, one, pretty(one.document))


async def _change(visit: Visit, kind: Kind) -> Response:
    one, asked = await stored(visit, kind), reviewed(visit)
    if asked is not None and asked.goes_back:
        shown, secrets = shown_definition(visit, asked.document)
        return _page(visit, kind, one, pretty(shown), etag=asked.etag, sealed=secrets)
    if asked is not None:
        return await _saved(visit, kind, one, asked.document, asked.etag, asked.clear)
    text, etag, clear = _typed(visit), visit.form.text("etag"), [name for name in visit.form.all("clear") if name]
    document = _read(visit, text)
    if isinstance(document, Found):
        return _malformed(visit, kind, one, text, document, etag)
    if etag == one.etag and (risks := await _risks(visit, kind, one, document, clear)):
        verb = f"Save the {kind.word}"
        return ask_first(visit, kind, one, document, etag=etag, clear=clear, risks=risks, verb=verb)
    return await _saved(visit, kind, one, document, etag, clear, text)


async def _risks(visit: Visit, kind: Kind, one: Stored, document: Document, clear: Sequence[str]) -> list[str]:
    if kind is API:
        return await api_edit.risks_of(visit, one, document, clear)
    return await policy_edit.risks_of(visit, document)


async def _saved(
    visit: Visit, kind: Kind, one: Stored, document: Document, etag: str, clear: Sequence[str], text: str = ""
) -> Response:
    written = await save(visit, kind, document, etag, clear)
    if isinstance(written, Refusal):
        return await _refused(visit, kind, one, document, text, written, etag)
    return visit.to(f"{kind.base}/{written.id}/json", done=f"{kind.word.lower()}_saved", said=written.said)


async def _make(visit: Visit, kind: Kind) -> Response:
    text = _typed(visit)
    document = _read(visit, text)
    if isinstance(document, Found):
        return _malformed(visit, kind, None, text, document)
    if kind is POLICY:
        document = policy_edit.with_id(document)
    written = await create(visit, kind, document)
    if isinstance(written, Refusal):
        return await _refused(visit, kind, None, document, text, written, "")
    return visit.to(f"{kind.base}/{written.id}", done=f"{kind.word.lower()}_created", said=written.said)


def _typed(visit: Visit) -> str:
    return "\n".join(visit.form.exact("text").splitlines())


def _read(visit: Visit, text: str) -> Document | Found:
    """With secrets that were typed before; what is no JSON is told at its line."""
    try:
        return whole_definition(visit, read_object(text.encode()))
    except MalformedJson as trouble:
        words = str(trouble).rpartition(" at line ")[2].partition(",")[0]
        return Found(Place("", int(words) if words.isdecimal() else 1), f"The text {trouble}.")


def _malformed(visit: Visit, kind: Kind, one: Stored | None, text: str, found: Found, etag: str = "") -> Response:
    """What was sealed before goes along; what was typed into this text is taken out, as nobody can tell its place."""
    shown = shown_text(text)
    more = {"found": [found], "sealed": visit.form.text(FIELD), "is_cut": shown != text}
    return _page(visit, kind, one, shown, etag=etag, status=422, **more)


async def _refused(
    visit: Visit, kind: Kind, one: Stored | None, document: Document, text: str, refusal: Refusal, etag: str
) -> Response:
    """`text` is as it was typed; one with secrets in it comes back as we write it."""
    shown, secrets = shown_definition(visit, document)
    text = pretty(shown) if secrets or not text else text
    places = await asyncio.to_thread(Places, text)  # a large text takes longer than the loop may be held up
    inner = "api_definition." if text and places.of("api_definition").pointer else ""
    found = [Found(places.of(inner + one.path), f"{one.path or 'It'} {one.message}.") for one in refusal.problems]
    if not found and not refusal.etag:
        found = [Found(Place("", 1), f"{refusal.message}.")]
    found.sort(key=lambda one: one.place.line)
    more = {"found": found, "changed": refusal.changed, "is_late": bool(refusal.etag), "sealed": secrets}
    return _page(visit, kind, one, text, etag=refusal.etag or etag, status=refusal.page_status, **more)


def _page(
    visit: Visit, kind: Kind, one: Stored | None, text: str, *, etag: str = "", status: int = 200, **more: Any
) -> Response:
    return visit.page(
        "definition_json.html",
        status,
        kind=kind,
        one=one,
        id=visit.path.get("id", ""),
        text=text,
        rows=min(40, max(12, text.count("\n") + 2)),
        etag=etag or ("" if one is None else one.etag),
        secrets=[] if one is None else secrets_of(one.document),
        said=said_once(visit.query),
        may_write=may_write(visit, AREAS[kind.word]) and (one is None or not one.file),
        **{"found": [], "changed": [], "is_late": False, "sealed": "", "is_cut": False, **more},
    )


def secrets_of(document: Mapping[str, Any], at: str = "") -> list[tuple[str, str]]:
    """(path, fingerprint) of those that are stored, as a read of the definition tells them."""
    found = []
    for name, value in document.items():
        if name.endswith(FINGERPRINT) and isinstance(value, str):
            found.append((at + name.removesuffix(FINGERPRINT), value))
        elif isinstance(value, Mapping):
            found += secrets_of(value, f"{at}{name}.")
    return found
