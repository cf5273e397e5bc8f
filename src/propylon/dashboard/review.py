"""A change that reaches far, shown before it is made: what differs, what follows, and a button that carries the verb.

The whole document travels in the form, so that nothing is kept between the two pages and no JavaScript is needed. What
was typed as a secret travels with it sealed (`typed_secrets.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from starlette.responses import Response

from propylon.control.strict_json import MalformedJson, read_object
from propylon.dashboard.definitions import Document, Kind, Stored, pretty, shown_differences
from propylon.dashboard.typed_secrets import shown_definition, whole_definition
from propylon.dashboard.visit import Visit


class Reviewed(NamedTuple):
    """What came back from the page that asked."""

    document: Document
    etag: str
    clear: list[str]
    goes_back: bool  # to the editor, with all that was typed


def ask_first(
    visit: Visit,
    kind: Kind,
    before: Stored,
    document: Mapping[str, Any],
    *,
    etag: str,
    clear: Iterable[str],
    risks: Sequence[str],
    verb: str,
) -> Response:
    """`risks` are sentences; the form goes to the address that the editor's went to."""
    shown, secrets = shown_definition(visit, document)
    return visit.page(
        "definition_review.html",
        kind=kind,
        id=visit.path["id"],
        name=before.name,
        action=visit.request.url.path,
        document=pretty(shown),
        sealed=secrets,
        etag=etag,
        clear=",".join(clear),
        risks=risks,
        verb=verb,
        changed=shown_differences(before.document, document),
    )


def reviewed(visit: Visit) -> Reviewed | None:
    """None when the form is the editor's own. Raises Refused when the secrets of it are not good any more."""
    form = visit.form
    if not form.text("document"):
        return None
    try:
        document = read_object(form.text("document").encode())
    except MalformedJson:
        return None
    clear = [name for name in form.text("clear").split(",") if name]
    return Reviewed(whole_definition(visit, document), form.text("etag"), clear, form.text("do") == "back")
