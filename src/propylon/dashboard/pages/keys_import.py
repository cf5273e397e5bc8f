"""Keys of Tyk imported, a piece at a time, so that its progress shows; the rules are those of `/tyk/keys/import`.

What is left to do goes along in the form of each answer, sealed, as sessions may hold secrets. A piece is imported
whole or not at all, and the same text may be sent again: what was imported already changes nothing.
"""

import base64
import json
import zlib
from typing import Any, Final, NamedTuple

from starlette.responses import Response

from propylon.control import key_import
from propylon.control.envelope import Refused
from propylon.control.strict_json import MalformedJson, read_json
from propylon.dashboard.asking import ask
from propylon.dashboard.problems import Listed, problems_of
from propylon.dashboard.typed_secrets import FIELD, sealed, shown_text, unsealed
from propylon.dashboard.visit import Visit

PIECE: Final = 100  # keys of one request
TEXT_MAX_BYTES: Final = 400_000  # packed, sealed and written as a form, what is left stays below FORM_MAX_BYTES
SHAPES: Final = 'write a list of keys, or {"keys": […], "key_ids": […]}'
COUNTS: Final = ("imported", "changed", "unchanged")

Document = dict[str, Any]


class Left(NamedTuple):
    """What is still to be done, and what was."""

    keys: list[Document]
    key_ids: list[str]
    replaces: bool
    of: int  # keys in all
    counts: dict[str, int]

    @property
    def done(self) -> int:
        return self.of - len(self.keys)


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def bring(visit: Visit) -> Response:
    """The first piece of a text, or the next of what is left."""
    if visit.form.text(FIELD):
        return await _next(visit, _unsealed(visit), "")
    text = visit.form.exact("document")
    try:
        left = _read(text, replaces=bool(visit.form.text("replaces")))
    except Refused as refused:
        return await _page(visit, 422, text=shown_text(text), errors=[refused.message])
    return await _next(visit, left, text)


def _read(text: str, *, replaces: bool) -> Left:
    """Raises Refused."""
    raw = text.encode()
    if len(raw) > TEXT_MAX_BYTES:
        raise Refused(
            422, f"The text has {len(raw):,} bytes; import at most {TEXT_MAX_BYTES:,} at once, in several goes"
        )
    try:
        document = read_json(raw)
    except MalformedJson as trouble:
        raise Refused(422, f"The text {trouble}") from None
    if isinstance(document, dict) and "legacy_hash" in document:
        document = [document]
    given = {"keys": document} if isinstance(document, list) else document
    if not isinstance(given, dict) or given.keys() - {"keys", "key_ids"}:
        raise Refused(422, f"The text is something else: {SHAPES}")
    keys, key_ids = given.get("keys", []), given.get("key_ids", [])
    if not _are(keys, dict) or not _are(key_ids, str) or not (keys or key_ids):
        raise Refused(422, f"There is nothing to import in it: {SHAPES}")
    return Left(keys, key_ids, replaces, len(keys), dict.fromkeys(COUNTS, 0))


def _are(values: object, kind: type) -> bool:
    return isinstance(values, list) and all(isinstance(one, kind) for one in values)


async def _next(visit: Visit, left: Left, text: str) -> Response:
    """`text` is what was typed, "" after the first piece."""
    piece, rest = left.keys[:PIECE], left.keys[PIECE:]
    key_ids = [] if rest else left.key_ids  # when all keys are there
    query = {"overwrite": "1"} if left.replaces else {}
    try:
        told = await ask(
            visit, key_import.import_keys, query=query, body={"keys": piece, "key_ids": key_ids}, writes=True
        )
    except Refused as refused:
        errors = [_where(problem, left.done) for problem in problems_of(refused)]
        counts = left.counts if left.done else None
        return await _page(visit, 422, text=shown_text(text), errors=errors, counts=counts, replaces=left.replaces)
    counts = {name: left.counts[name] + told[name] for name in COUNTS}
    left = left._replace(keys=rest, counts=counts)
    if rest:
        return visit.page("keys_importing.html", imported=left.done, of=left.of, sealed=_sealed(visit, left))
    return await _page(visit, counts=counts, pinned=told["key_ids"])


def _where(problem: Listed, done: int) -> str:
    """With the number of the key in the whole text, from 1."""
    kind, _, rest = problem["path"].partition(".")
    number, _, field = rest.partition(".")
    if kind != "keys" or not number.isdecimal():
        return f"{problem['path']} {problem['message']}".strip()
    return f"Key {done + int(number) + 1}: {field} {problem['message']}".replace(":  ", ": ")


def _sealed(visit: Visit, left: Left) -> str:
    packed = zlib.compress(json.dumps(left._asdict()).encode())
    return sealed(visit, {"left": base64.b64encode(packed).decode()})


def _unsealed(visit: Visit) -> Left:
    return Left(**json.loads(zlib.decompress(base64.b64decode(unsealed(visit)["left"]))))


async def _page(visit: Visit, status: int = 200, **values: Any) -> Response:
    waiting = await ask(visit, key_import.audit)
    rest = {"text": "", "errors": [], "counts": None, "pinned": None, "replaces": False, "waiting": waiting}
    return visit.page("keys_import.html", status, **{**rest, **values})
