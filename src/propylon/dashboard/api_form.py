"""The common fields of an API definition as a form: what stands in it, and the definition that it makes.

Only what was changed in the form changes in the document; whatever the form does not show stays as it was written. What
is valid, the judgement of definitions says, never this. Pure.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from propylon.dashboard.document_edits import Document, at, lines, number_of, number_text, put, without
from propylon.dashboard.forms import Form
from propylon.dashboard.jwt_form import JWT_FIELDS, JWT_PLACES, jwt_document, jwt_values, typed_values
from propylon.model.credential_source import AUTHORIZATION

Values = dict[str, str]  # by the names in the form; a flag is "1" or ""

TEXTS: Final = {"name": "name", "listen_path": "proxy.listen_path", "target_url": "proxy.target_url"}
FLAGS: Final = {
    "active": "active",
    "internal": "internal",
    "strip_listen_path": "proxy.strip_listen_path",
    "preserve_host": "proxy.preserve_host_header",
    "skip_tls_check": "proxy.transport.ssl_insecure_skip_verify",
    "strip_auth": "strip_auth_data",
    "no_rate_limit": "disable_rate_limit",
    "no_quota": "disable_quota",
    "keep_counters": "dont_set_quota_on_create",
    "do_not_track": "do_not_track",
    "record_whole": "enable_detailed_recording",
}
AUTHS: Final = ("keyless", "token", "jwt")
SOURCES: Final = ("header_name", "param_name", "cookie_name")
HOLDERS: Final = ("auth", "auth_configs.authToken", "auth_configs.jwt")  # of the names that a credential is read under
LIMITS: Final = ("rate", "per")
FIELDS: Final = (*TEXTS, *FLAGS, "auth", *SOURCES, *LIMITS, "tags", *JWT_FIELDS)
# Where the judgement speaks of a field of the form: the longest beginning that fits.
PLACES: Final[Mapping[str, str]] = {
    **{path: name for name, path in (*TEXTS.items(), *FLAGS.items())},
    "global_rate_limit.rate": "rate",
    "global_rate_limit.per": "per",
    "global_rate_limit": "rate",
    "tags": "tags",
    "api_id": "api_id",
    **{holder: "header_name" for holder in HOLDERS},
    **{f"{holder}.{name}": name for holder in HOLDERS for name in ("param_name", "cookie_name")},
    **JWT_PLACES,
}
STARTING: Final[Document] = {
    "active": True,
    "use_standard_auth": True,
    "jwt_require_kid": True,  # user-pains P10: off for imported definitions, on for new ones
    "version_data": {"not_versioned": True, "versions": {"Default": {"name": "Default"}}},
    "proxy": {"listen_path": "", "target_url": "", "strip_listen_path": True},
}


class Made(NamedTuple):
    document: Document
    clear: list[str]  # stored secrets that go with it
    errors: dict[str, str]  # by field: what cannot even be written down


def values_of(document: Mapping[str, Any]) -> Values:
    """A definition as reads answer it, without its secrets; or a draft, with the one that was typed."""
    auth = auth_of(document)
    rate = {} if at(document, "global_rate_limit.disabled") is True else document.get("global_rate_limit") or {}
    return {
        **{name: _text(at(document, path)) for name, path in TEXTS.items()},
        **{name: _flag(at(document, path), default=name == "active") for name, path in FLAGS.items()},
        "auth": auth,
        **credential_values(document, auth),
        "rate": number_text(at(rate, "rate")),
        "per": number_text(at(rate, "per")),
        "tags": "\n".join(_listed(document.get("tags"))),
        **jwt_values(document),
        **typed_values(document),
    }


def values_in(form: Form) -> Values:
    """As they were typed; with the line ends of a form made ours."""
    return {name: "\n".join(form.text(name).splitlines()) for name in FIELDS}


def document_of(base: Mapping[str, Any], now: Values) -> Made:
    """The definition `base` with what the form says otherwise."""
    before, document, errors = values_of(base), dict(base), dict[str, str]()
    for name, path in TEXTS.items():
        document = document if now[name] == before[name] else put(document, path, now[name])
    for name, path in FLAGS.items():
        document = document if now[name] == before[name] else put(document, path, now[name] == "1")
    if now["auth"] not in AUTHS:
        errors["auth"] = "Choose how callers show who they are."
    elif now["auth"] != before["auth"]:
        document |= {"use_keyless": False, "enable_jwt": False, "use_standard_auth": False, **_auth(now["auth"])}
    document = _with_credential(document, now)
    document = _with_rate(document, before, now, errors)
    if now["tags"] != before["tags"]:
        document["tags"] = lines(now["tags"])
    clear: list[str] = []
    if now["auth"] == "jwt":
        document, clear = jwt_document(document, jwt_values(base), now, errors)
    return Made(document, clear, errors)


def place_of(path: str) -> str:
    """The field of the form that a problem of the definition speaks of, "" for none."""
    fitting = [known for known in PLACES if path == known or path.startswith(f"{known}.")]
    return PLACES[max(fitting, key=len)] if fitting else ""


def auth_of(document: Mapping[str, Any]) -> str:
    """KL-2, as `parse_api` reads it."""
    if document.get("use_keyless") is True:
        return "keyless"
    return "jwt" if document.get("enable_jwt") is True else "token"


def credential_values(document: Mapping[str, Any], auth: str) -> Values:
    """Where the credential is read (T-2, T-3); "" where it is not."""
    if auth == "keyless":
        return dict.fromkeys(SOURCES, "") | {"header_name": AUTHORIZATION}
    held = at(document, _holder(auth))
    held = document.get("auth") if held is None else held
    held = held if isinstance(held, Mapping) else {}
    header = "" if held.get("disable_header") is True else _text(held.get("auth_header_name")) or AUTHORIZATION
    implied = header or AUTHORIZATION
    return {
        "header_name": header,
        "param_name": (_text(held.get("param_name")) or implied) if held.get("use_param") is True else "",
        "cookie_name": (_text(held.get("cookie_name")) or implied) if held.get("use_cookie") is True else "",
    }


def _auth(auth: str) -> Document:
    return {{"keyless": "use_keyless", "token": "use_standard_auth", "jwt": "enable_jwt"}[auth]: True}


def _holder(auth: str) -> str:
    return f"auth_configs.{'jwt' if auth == 'jwt' else 'authToken'}"


def _with_credential(document: Document, now: Values) -> Document:
    auth = now["auth"]
    if auth == "keyless" or credential_values(document, auth) == {name: now[name] for name in SOURCES}:
        return document
    header, param, cookie = (now[name] for name in SOURCES)
    held = at(document, _holder(auth))
    written = {
        **(held if isinstance(held, Mapping) else {}),
        "disable_header": not header,
        "auth_header_name": header,
        "use_param": bool(param),
        "param_name": param,
        "use_cookie": bool(cookie),
        "cookie_name": cookie,
    }
    return put(document, _holder(auth), written)


def _with_rate(document: Document, before: Values, now: Values, errors: dict[str, str]) -> Document:
    if all(now[name] == before[name] for name in LIMITS):
        return document
    numbers = {name: number_of(now[name]) for name in LIMITS}
    errors |= {name: "It must be a number." for name, number in numbers.items() if number is None}
    if not now["rate"]:
        return without(document, "global_rate_limit")
    held = document.get("global_rate_limit")
    kept = held if isinstance(held, Mapping) else {}
    return {**document, "global_rate_limit": {**kept, "disabled": False, **numbers}}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _flag(value: Any, *, default: bool) -> str:
    return "1" if (default if value is None else value is True) else ""


def _listed(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
