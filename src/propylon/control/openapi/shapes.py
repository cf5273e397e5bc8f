"""The shapes of what the people's API takes and answers, and of every error, as schemas of OpenAPI 3.1.

Bounds of fields are those of the code that judges them. Definitions, policies and keys are Tyk's documents, whose
fields `docs/definition-fields.md` lists; here they are objects.
"""

from collections.abc import Mapping
from typing import Any, Final

from propylon.control.people.organisations import NAME_MAX
from propylon.control.people.passwords import LENGTH_MAX, LENGTH_MIN
from propylon.control.people.user_values import GROUP_TEXTS, USER_TEXTS
from propylon.control.people_api.imports import IMPORTED_MAX
from propylon.model.permissions import ADMIN, AREAS, IS_ADMIN, LEVELS, ONLY_READ, OTHER_NAMES, RESET_PASSWORD

Schema = dict[str, Any]
TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "integer"}
YES_OR_NO: Final[Schema] = {"type": "boolean"}
TIME: Final[Schema] = {"type": "string", "format": "date-time", "description": "0001-01-01T00:00:00Z for never"}
OBJECT: Final[Schema] = {"type": "object", "additionalProperties": True}


def of(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def listed(items: Schema, **bounds: int) -> Schema:
    return {"type": "array", "items": items, **bounds}


def _object(properties: Mapping[str, Schema], *, all_there: bool = False, **more: Any) -> Schema:
    """`all_there`: an answer, which never leaves one out."""
    required = {"required": list(properties)} if all_there else {}
    return {"type": "object", "properties": dict(properties), **required, **more}


def _answer(**properties: Schema) -> Schema:
    return _object(properties, all_there=True)


def _done(meta: Schema, **beside: Schema) -> Schema:
    return _answer(Status={"const": "OK"}, Message=TEXT, Meta=meta, **beside)


def _page_of(name: str, shape: str) -> Schema:
    return _answer(**{name: listed(of(shape)), "pages": {"type": "integer", "minimum": 1}})


def _texts(bounds: Mapping[str, int]) -> dict[str, Schema]:
    return {name: {"type": "string", "maxLength": longest} for name, longest in bounds.items()}


_LEVELS: Final[dict[str, Schema]] = {
    name: {"enum": ["deny", "read"] if name in ONLY_READ else [*LEVELS]} for name in AREAS
}
_PERMISSIONS: Final = _object(
    {
        **_LEVELS,
        **{name: _LEVELS[area] for name, area in OTHER_NAMES.items()},
        **dict.fromkeys((IS_ADMIN, RESET_PASSWORD), {"const": ADMIN}),
    },
    description="a level by area; what has no entry is denied",
)
_USER: Final = {
    "id": TEXT,
    "first_name": TEXT,
    "last_name": TEXT,
    "email_address": TEXT,
    "org_id": TEXT,
    "active": YES_OR_NO,
    "group_id": TEXT,
    "user_permissions": of("Permissions"),
    "created_at": TIME,
    "last_login_date": TIME,
    "password_max_days": {"const": 0},
    "password_updated": TIME,
    "must_change_password": YES_OR_NO,
}
_USER_VALUES: Final = {
    **_texts(USER_TEXTS),
    "org_id": {"type": "string", "description": "under /admin when one is made; else the caller's own"},
    "active": YES_OR_NO,
    "user_permissions": of("Permissions"),
    "password": {
        "type": "string",
        "maxLength": LENGTH_MAX,
        "writeOnly": True,
        "description": f"{LENGTH_MIN} characters or more; an empty one keeps what there is",
    },
}
_GROUP_VALUES: Final = {**_texts(GROUP_TEXTS), "active": YES_OR_NO, "user_permissions": of("Permissions")}
_AUDIT_ENTRY: Final = _answer(
    number=NUMBER,
    time={"type": "string", "format": "date-time"},
    **dict.fromkeys(("actor_kind", "actor", "actor_label", "address", "action", "object", "org_id"), TEXT),
    **dict.fromkeys(("before", "after"), {"type": "string", "description": "a keyed digest; empty: not there"}),
    fields=listed(TEXT),
    times={"type": "integer", "minimum": 1},
    chain=TEXT,
    _id=TEXT,
    date={"type": "string", "format": "date-time"},
    timestamp=NUMBER,
    ip=TEXT,
    user=TEXT,
)
_SESSION: Final = _answer(
    id=TEXT, created_at=TIME, last_seen=TIME, expires=TIME, current=YES_OR_NO, ip=TEXT, user_agent=TEXT
)
_ORGANISATION: Final = {"owner_name": {"type": "string", "minLength": 1, "maxLength": NAME_MAX}}
_TOLD_ONCE: Final = {"type": "string", "description": "shown in this answer and never again"}
_ERROR: Final = {
    "type": "object",
    "required": ["Status", "Message", "Meta", "code"],
    "properties": {
        "Status": {"const": "Error"},
        "Message": TEXT,
        "Meta": {"type": "null"},
        "code": {"type": "string", "description": "a stable word for programs"},
        "detail": TEXT,
        "problems": listed(_answer(path=TEXT, code=TEXT, message=TEXT)),
    },
    "additionalProperties": True,
}
SHAPES: Final[Mapping[str, Schema]] = {
    "Error": _ERROR,
    "Done": _done({}),
    "Permissions": _PERMISSIONS,
    "User": _object(_USER, all_there=True),
    "UserValues": _object(_USER_VALUES),
    "Users": _page_of("users", "User"),
    "UserSearch": _object({"filters": _answer(query=TEXT)}, all_there=True),
    "UserMade": _done({"type": "string", "description": "the user's id"}, access_key=_TOLD_ONCE),
    "UserMadeByAdministration": _done(_object({**_USER, "access_key": _TOLD_ONCE}, all_there=True)),
    "UserChanged": _done(of("User")),
    "PasswordChange": _object(
        {"current_password": TEXT, "new_password": TEXT}, description="of one's own; of somebody else's nothing is sent"
    ),
    "PasswordSet": _done(
        {"anyOf": [{"type": "null"}, _answer(password=_TOLD_ONCE, must_change_password={"const": True})]}
    ),
    "AccessKeyMade": _done(_TOLD_ONCE),
    "Sessions": _answer(sessions=listed(_SESSION)),
    "Group": _answer(
        id=TEXT, org_id=TEXT, name=TEXT, description=TEXT, active={"const": True}, user_permissions=of("Permissions")
    ),
    "GroupValues": _object(_GROUP_VALUES),
    "Groups": _page_of("groups", "Group"),
    "AuditEntry": _AUDIT_ENTRY,
    "AuditEntries": _page_of("audit_logs", "AuditEntry"),
    "Organisation": _object({"id": TEXT, **_ORGANISATION}, required=["id"], additionalProperties=True),
    "OrganisationValues": _object(
        {"id": {"type": "string", "description": "for an import, which keeps it"}, **_ORGANISATION},
        additionalProperties=True,
    ),
    "Organisations": _page_of("organisations", "Organisation"),
    "MadeWithId": _done({"type": "string", "description": "the id"}),
    "ApisToImport": _object({"apis": listed(OBJECT, maxItems=IMPORTED_MAX)}, all_there=True),
    "PoliciesToImport": _object(
        {name: listed(OBJECT, maxItems=IMPORTED_MAX) for name in ("Data", "policies")}, minProperties=1
    ),
    "Imported": _done({"type": "object", "additionalProperties": {"const": True}}),
}
