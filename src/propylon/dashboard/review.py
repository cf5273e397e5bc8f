"""A change that reaches far, shown before it is made: what differs, what follows, and a button that carries the verb.

The whole document travels in the form, so that nothing is kept between the two pages and no JavaScript is needed. What
was typed as a secret travels with it and is not shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from starlette.responses import Response

from propylon.control.strict_json import MalformedJson, read_object
from propylon.dashboard.definitions import Document, Kind, Stored, pretty
from propylon.dashboard.differences import Difference, differences
from propylon.dashboard.forms import Form
from propylon.dashboard.visit import Visit
from propylon.model.api_definition import extract_secrets


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
    return visit.page(
        "definition_review.html",
        kind=kind,
        id=visit.path["id"],
        name=before.name,
        action=visit.request.url.path,
        document=pretty(document),
        etag=etag,
        clear=",".join(clear),
        risks=risks,
        verb=verb,
        changed=_shown(before.document, document),
    )


def reviewed(form: Form) -> Reviewed | None:
    """None when the form is the editor's own."""
    if not form.text("document"):
        return None
    try:
        document = read_object(form.text("document").encode())
    except MalformedJson:
        return None
    clear = [name for name in form.text("clear").split(",") if name]
    return Reviewed(document, form.text("etag"), clear, form.text("do") == "back")


def _shown(before: Mapping[str, Any], document: Mapping[str, Any]) -> list[Difference]:
    """Without the values of secrets."""
    open_part, secrets = extract_secrets(document)
    return [
        *differences({name: value for name, value in before.items() if name in document or value}, open_part),
        *(Difference(path, "", "a new secret") for path in secrets),
    ]
