"""The OpenAPI 3.1 document of `/api` and `/admin`, made from the tables of routes: each of them and no other.

/admin stands in it only where `admin_secret` is set: a document that named what this gateway answers with 404 would
make clients that cannot work.
"""

from typing import Any, Final

from propylon import __version__
from propylon.control.dashboard_api.entries import ENTRIES
from propylon.control.dashboard_api.entry import Entry
from propylon.control.openapi.operation import Operation
from propylon.control.openapi.people import ACCESS_KEY, operations
from propylon.control.openapi.shapes import OBJECT, SHAPES, of

OPENAPI: Final = "/api/openapi.json"
Document = dict[str, Any]
_ERRORS: Final = {"400": "malformed", "401": "no valid access key", "403": "not allowed", "404": "not there"}
_WRITE_ERRORS: Final = {
    "409": "taken, owned by a file, or changed meanwhile",
    "412": "it is no longer what If-Match names",
    "413": "more than 4 MiB",
}
BODIED: Final = ("POST", "PUT")
_SECURITY: Final = {
    "accessKey": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "a user's access key, as it is",
    },
    "bearerAccessKey": {"type": "http", "scheme": "bearer", "description": "the same, behind Bearer"},
}
_ADMIN_SECURITY: Final = {
    "adminSecret": {"type": "apiKey", "in": "header", "name": "admin-auth", "description": "the setting admin_secret"}
}
_ITSELF: Final = Operation("GET", OPENAPI, "This document", "Open to everybody.", "description", [], OBJECT)


def described(*, with_admin: bool) -> Document:
    paths: Document = {}
    for one in (_ITSELF, *map(_operation, ENTRIES), *operations(with_admin=with_admin)):
        paths.setdefault(one.path, {})[one.method.lower()] = one.described()
    return {
        "openapi": "3.1.0",
        "info": {"title": "Propylon dashboard API", "version": __version__},
        "paths": paths,
        "components": {
            "securitySchemes": {**_SECURITY, **(_ADMIN_SECURITY if with_admin else {})},
            "schemas": dict(SHAPES),
        },
    }


def _operation(entry: Entry) -> Operation:
    """Bodies are Tyk's documents; an answer of a write is one where it shows the key that it made."""
    is_step = "/actions/" in entry.path
    takes_body = entry.method in BODIED and (not is_step or entry.path.endswith("/rotate"))
    is_write = entry.level == "write" and not entry.path.endswith("/preview")
    shows_key = entry.area == "keys" and entry.method in BODIED and not is_step
    return Operation(
        entry.method,
        entry.path,
        entry.summary,
        f"Needs {entry.level} on {entry.area}.",
        entry.area,
        ACCESS_KEY,
        of("Done") if is_write and not shows_key else OBJECT,
        OBJECT if takes_body else None,
        not is_step,
        entry.query,
        is_write and (entry.method != "POST" or is_step),
        _ERRORS | (_WRITE_ERRORS if is_write else {}),
    )
