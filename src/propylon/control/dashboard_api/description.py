"""The OpenAPI 3.1 document of the dashboard API, made from its table of routes: each of them and no other.

Bodies are Tyk's documents, whose fields `docs/definition-fields.md` lists; here they are objects.
"""

import re
from typing import Any, Final

from propylon import __version__
from propylon.control.dashboard_api.entries import ENTRIES
from propylon.control.dashboard_api.entry import Entry

OPENAPI: Final = "/api/openapi.json"
Document = dict[str, Any]
_OBJECT: Final = {"type": "object", "additionalProperties": True}
_ERROR: Final = {
    "type": "object",
    "required": ["Status", "Message", "code"],
    "properties": {
        "Status": {"const": "Error"},
        "Message": {"type": "string"},
        "Meta": {"type": "null"},
        "code": {"type": "string", "description": "a stable word for programs"},
        "detail": {"type": "string"},
        "problems": {"type": "array", "items": _OBJECT},
    },
}
_STATUSES: Final = {"400": "malformed", "401": "no valid access key", "403": "not allowed", "404": "not there"}


def described() -> Document:
    paths: Document = {}
    for entry in ENTRIES:
        paths.setdefault(entry.path, {})[entry.method.lower()] = _operation(entry)
    access_key = {"type": "http", "scheme": "bearer", "description": "a user's access key; without a scheme too"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Propylon dashboard API", "version": __version__},
        "security": [{"accessKey": []}],
        "paths": paths,
        "components": {"securitySchemes": {"accessKey": access_key}, "schemas": {"Error": _ERROR}},
    }


def _operation(entry: Entry) -> Document:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    responses: Document = {"200": {"description": "done", "content": {"application/json": {"schema": _OBJECT}}}}
    responses |= {status: {"description": text, "content": error} for status, text in _STATUSES.items()}
    body = {"requestBody": {"required": True, "content": {"application/json": {"schema": _OBJECT}}}}
    takes_body = entry.method in ("POST", "PUT") and "/actions/" not in entry.path
    return {
        "operationId": f"{entry.method.lower()}{re.sub('[^a-z]+', '_', entry.path.removeprefix('/api'))}".rstrip("_"),
        "summary": entry.summary,
        "description": f"Needs {entry.level} on {entry.area}.",
        "tags": [entry.area],
        "parameters": _parameters(entry),
        "responses": responses,
        **(body if takes_body else {}),
    }


def _parameters(entry: Entry) -> list[Document]:
    text = {"type": "string"}
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": text} for name in re.findall("{(.*?)}", entry.path)
    ]
    return [*in_path, *({"name": name, "in": "query", "schema": text} for name in entry.query)]
