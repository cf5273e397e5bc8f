"""The form of a key, both ways: from what was typed to the session that is sent, and from a stored one to the fields.

Judges only what is typed into fields, such as a number; whether the key is sound, the control plane says. What a form
has no field for stays as it is stored.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from propylon.dashboard.forms import Form
from propylon.dashboard.key_choices import Choices
from propylon.dashboard.key_life import KEEP, date_text, end_of_life
from propylon.dashboard.key_limits import LIMITS, limit_fields, put_limits

Document = dict[str, Any]
POLICIES, APIS = "policies", "apis"
RECORDING: Final = ("enable_detail_recording", "enable_detailed_recording")  # either; Tyk has had both names
SPARE_ROWS: Final = 2  # empty rows of metadata
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})
PATH_LINE: Final = "Write one path a line, its methods before it: GET,POST /orders"


class Typed(NamedTuple):
    """What a form came to: a session, and what could not be read, by field."""

    document: Document
    errors: dict[str, str]


# -- from what was typed ----------------------------------------------------------------------------------------------


def read_key_form(form: Form, choices: Choices, base: Mapping[str, Any], now: float) -> Typed:
    """`base` is the session as it is stored, {} for a new key."""
    document, errors = dict(base), dict[str, str]()
    document["alias"] = form.text("alias")
    document["is_inactive"] = bool(form.text("is_inactive"))
    _put_recording(form, document)
    document["tags"] = _tags(form.text("tags"), base.get("tags") or [])
    document["meta_data"] = _meta_data(form, base.get("meta_data") or {})
    put_limits(form, "", document, errors)
    _put_access(form, choices, base, document, errors)
    _put_life(form, document, errors, now)
    return Typed(document, errors)


def _put_recording(form: Form, document: Document) -> None:
    """Either of two names keeps it on, so both are put out; a form that nobody touched leaves them as they are."""
    is_on, wanted = _is_recorded(document), bool(form.text("record_whole"))
    if wanted and not is_on:
        document["enable_detailed_recording"] = True
    elif is_on and not wanted:
        document |= {name: False for name in RECORDING if document.get(name)}


def _is_recorded(session: Mapping[str, Any]) -> bool:
    return any(session.get(name) for name in RECORDING)


def chosen_apis(form: Form) -> list[str]:
    return list(dict.fromkeys(form.all("api"))) if form.text("access") == APIS else []


def chosen_policies(form: Form) -> list[str]:
    return list(dict.fromkeys(form.all("policy"))) if form.text("access") == POLICIES else []


def _put_access(
    form: Form, choices: Choices, base: Mapping[str, Any], document: Document, errors: dict[str, str]
) -> None:
    """Rights that stand beside policies are left alone: they count again when the policies go."""
    access = form.text("access")
    if access == POLICIES:
        ids = chosen_policies(form)
        document |= {"apply_policies": ids, "apply_policy_id": ""}
        if not ids:
            errors["access"] = "Choose at least one policy, or choose APIs instead."
        elif not set(ids) <= {*choices.policies, *_named(base)}:
            errors["access"] = "One of these policies is gone; choose again."
    elif access == APIS:
        before = base.get("access_rights") or {}
        rights = {api_id: _right(form, choices, api_id, before, errors) for api_id in chosen_apis(form)}
        document |= {"apply_policies": [], "apply_policy_id": "", "access_rights": rights}
        if not rights:
            errors["access"] = "Choose at least one API, or apply a policy instead."
        elif not set(rights) <= {*choices.apis, *(base.get("access_rights") or {})}:
            errors["access"] = "One of these APIs is gone; choose again."
    else:
        errors["access"] = "Choose whether the key's rights come from policies or from APIs."


def _right(form: Form, choices: Choices, api_id: str, before: Mapping[str, Any], errors: dict[str, str]) -> Document:
    right = dict(before.get(api_id) or {"api_id": api_id, "versions": []})
    if api_id in choices.apis:
        right["api_name"] = choices.apis[api_id].name
        right["versions"] = right["versions"] or [choices.apis[api_id].version]
    right["allowed_urls"] = _paths(form, api_id, errors)
    if form.text(f"own:{api_id}"):
        right["limit"] = dict(right.get("limit") or {})
        put_limits(form, f":{api_id}", right["limit"], errors)
    elif f"paths:{api_id}" in form:  # its fields were there, and this box was not ticked
        right["limit"] = None
    return right


def _paths(form: Form, api_id: str, errors: dict[str, str]) -> list[Document]:
    found: list[Document] = []
    for line in form.text(f"paths:{api_id}").splitlines():
        if not line.strip():
            continue
        verbs, _, path = line.strip().partition(" ")
        methods = [verb.strip().upper() for verb in verbs.split(",") if verb.strip()]
        if not path.strip() or not methods or not METHODS.issuperset(methods):
            errors[f"paths:{api_id}"] = f"“{line.strip()}” is not understood. {PATH_LINE}"
            return []
        found.append({"url": path.strip(), "methods": methods})
    return found


def _put_life(form: Form, document: Document, errors: dict[str, str], now: float) -> None:
    life = form.text("life")
    if life == KEEP:
        return
    end = end_of_life(life, form.text("expires_date"), now)
    if isinstance(end, str):
        errors["expires_date" if life == "date" else "life"] = end
    else:
        document["expires"] = end


def _tags(text: str, before: list[str]) -> list[str]:
    """A tag with a comma in it, which the form cannot write, stays as long as nobody touches the field."""
    if text == ", ".join(before):
        return before
    return list(dict.fromkeys(tag.strip() for tag in text.split(",") if tag.strip()))


def _meta_data(form: Form, before: Mapping[str, Any]) -> Document:
    """Values are texts; one that was something else stays so while its text is the same."""
    rows = zip(form.all("meta_name"), form.all("meta_value"), strict=False)
    typed = {name: value for name, value in rows if name}
    return {name: before[name] if _is_same(before, name, value) else value for name, value in typed.items()}


def _is_same(before: Mapping[str, Any], name: str, text: str) -> bool:
    return name in before and _meta_text(before[name]) == text


# -- to the fields of a form ------------------------------------------------------------------------------------------


def fields_of(session: Mapping[str, Any]) -> Form:
    """Of a stored session, without its secrets."""
    policies = _named(session)
    rights = session.get("access_rights") or {}
    fields = {
        "alias": [session.get("alias") or ""],
        "is_inactive": ["1"] if session.get("is_inactive") else [],
        "record_whole": ["1"] if _is_recorded(session) else [],
        "tags": [", ".join(session.get("tags") or [])],
        "access": [POLICIES if policies else APIS],
        "policy": policies,
        "api": list(rights),
        "life": [KEEP],
        "expires_date": [date_text(session.get("expires") or 0)],
        **_meta_fields(session.get("meta_data") or {}),
        **limit_fields(session, ""),
    }
    for api_id, right in rights.items():
        fields |= _right_fields(api_id, right)
    return Form(fields)


def _named(session: Mapping[str, Any]) -> list[str]:
    """The policies of a stored session."""
    single = session.get("apply_policy_id") or ""
    return session.get("apply_policies") or ([single] if single else [])


def _right_fields(api_id: str, right: Mapping[str, Any]) -> dict[str, list[str]]:
    lines = [f"{','.join(one.get('methods') or [])} {one.get('url', '')}" for one in right.get("allowed_urls") or []]
    limit = right.get("limit") or {}
    is_own = any(limit.get(name) for names in LIMITS.values() for name in names)
    fields = {f"paths:{api_id}": ["\n".join(lines)], f"own:{api_id}": ["1"] if is_own else []}
    return fields | (limit_fields(limit, f":{api_id}") if is_own else {})


def _meta_fields(meta_data: Mapping[str, Any]) -> dict[str, list[str]]:
    return {"meta_name": list(meta_data), "meta_value": [_meta_text(value) for value in meta_data.values()]}


def _meta_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def meta_rows(form: Form) -> list[tuple[str, str]]:
    """Those that are filled in, and some to fill."""
    rows = [row for row in zip(form.all("meta_name"), form.all("meta_value"), strict=False) if any(row)]
    return [*rows, *[("", "")] * SPARE_ROWS]
