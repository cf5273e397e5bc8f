"""API definition: an API as an operator wrote it, typed and judged. The document itself is what is stored and shown.

Knows no route, step or store. Every problem is reported at once, with its path and a remedy; what does not parse never
becomes an ApiDefinition.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from propylon.errors import Problem
from propylon.model.credential_source import NONE, read_credential_source
from propylon.model.credential_source import CredentialSource as CredentialSource
from propylon.model.definition_secrets import extract_secrets as extract_secrets
from propylon.model.definition_secrets import keep_secrets as keep_secrets
from propylon.model.definition_secrets import public_view as public_view
from propylon.model.definition_secrets import restore_secrets as restore_secrets
from propylon.model.definition_secrets import secret_problems
from propylon.model.document_reader import DocumentReader, beside_envelope
from propylon.model.document_reader import unwrap as unwrap
from propylon.model.field_classes import OPT_OUTS, judge
from propylon.model.jwt_settings import JwtSettings as JwtSettings
from propylon.model.jwt_settings import read_jwt_settings
from propylon.model.listen_path import FIELD as LISTEN_PATH
from propylon.model.listen_path import ListenPath, parse_listen_path
from propylon.model.secret_names import secret_names
from propylon.model.target_url import FIELD as TARGET_URL
from propylon.model.target_url import NOWHERE, parse_target
from propylon.model.target_url import Target as Target
from propylon.model.tracked_endpoints import TrackedEndpoints, read_tracked_endpoints
from propylon.model.upstream_headers import UpstreamHeaders, read_upstream_headers

AuthMode = Literal["keyless", "token", "jwt"]

# MA-2: which flags enable the mode that a value names; "auth_token" stands also for what is left when none is set.
BASE_IDENTITIES: Final[Mapping[str, tuple[str, ...]]] = {
    "auth_token": ("use_standard_auth",),
    "jwt_claim": ("enable_jwt",),
    "hmac_key": ("enable_signature_checking",),
    "basic_auth_user": ("use_basic_auth",),
    "oidc_user": ("use_openid",),
    "oauth_key": ("use_oauth2",),
    "custom_auth": ("enable_coprocess_auth", "use_go_plugin_auth", "custom_plugin_auth_enabled"),
}

_ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_OAS: Final = ("x-tyk-api-gateway", "openapi", "swagger")


@dataclass(frozen=True, slots=True)
class ApiDefinition:
    api_id: str  # "" when the document has none: whoever stores it makes one
    org_id: str
    name: str
    active: bool
    internal: bool
    listen_path: str
    listen_pattern: str  # RE2 for a listen path with parameters, else ""
    strip_listen_path: bool
    target: Target
    target_tls_verify: bool
    preserve_host_header: bool
    disable_strip_slash: bool
    auth_mode: AuthMode
    credential: CredentialSource
    strip_auth_data: bool
    jwt: JwtSettings | None  # set when auth_mode is "jwt"
    upstream_headers: UpstreamHeaders
    base_identity_provided_by: str
    disable_rate_limit: bool
    disable_quota: bool
    keeps_counters: bool  # of its keys, when they are changed (M-4)
    global_rate_limit: tuple[float, float] | None  # rate, per
    not_versioned: bool
    default_version: str
    tags: tuple[str, ...]
    do_not_track: bool
    endpoints: TrackedEndpoints
    records_whole: bool  # its exchanges, heads and bodies
    secret_names: frozenset[str]  # under which its requests and answers may carry a secret


class ParsedApi(NamedTuple):
    definition: ApiDefinition | None  # None when there are problems
    problems: list[Problem]
    warnings: list[Problem]
    guards: list[Problem]  # in effect: the API is listed but answers 503, naming them


def parse_api(document: Mapping[str, Any], *, strict: bool = False, default_org_id: str) -> ParsedApi:
    """A classic definition, with or without the dashboard's envelope.

    `strict` refuses every field that is in effect and not honoured (`strict_definitions`).
    """
    if not isinstance(document, Mapping):
        return _refused(Problem("", "not_an_object", "an API definition is a JSON object; write { … }"))
    inner = unwrap(document)
    if any(name in inner for name in _OAS) or inner.get("is_oas") is True:
        return _refused(
            Problem("", "oas_not_supported_yet", "is an OpenAPI definition; write it in Tyk's classic form")
        )
    judgement = judge(inner, strict=strict)
    reader = DocumentReader(inner)
    definition, jwt_warnings = _read(reader, inner, default_org_id)
    problems = list(dict.fromkeys([*judgement.problems, *reader.problems, *secret_problems(inner)]))
    warnings = [*judgement.warnings, *jwt_warnings, *beside_envelope(document)]
    return ParsedApi(None if problems else definition, problems, warnings, judgement.guards)


def _refused(problem: Problem) -> ParsedApi:
    return ParsedApi(None, [problem], [], [])


def _read(
    reader: DocumentReader, document: Mapping[str, Any], default_org_id: str
) -> tuple[ApiDefinition, list[Problem]]:
    auth_mode = _auth_mode(reader)
    jwt, warnings = read_jwt_settings(reader) if auth_mode == "jwt" else (None, [])
    listen, target, version = _listen_path(reader), _target(reader), _version(reader)
    _check(reader)
    definition = ApiDefinition(
        api_id=_identifier(reader, "api_id", "invalid_api_id", "Invalid API ID"),
        org_id=_identifier(reader, "org_id", "invalid_org_id", "Invalid organisation ID") or default_org_id,
        name=reader.text("name"),
        active=reader.flag("active", default=True),
        internal=reader.flag("internal"),
        listen_path=listen.path,
        listen_pattern=listen.pattern,
        strip_listen_path=reader.flag("proxy.strip_listen_path"),
        target=target,
        target_tls_verify=not reader.flag("proxy.transport.ssl_insecure_skip_verify"),
        preserve_host_header=reader.flag("proxy.preserve_host_header"),
        disable_strip_slash=reader.flag("proxy.disable_strip_slash"),
        auth_mode=auth_mode,
        credential=_credential(reader, auth_mode),
        strip_auth_data=reader.flag("strip_auth_data"),
        jwt=jwt,
        upstream_headers=read_upstream_headers(reader),
        base_identity_provided_by=_base_identity(reader, auth_mode),
        disable_rate_limit=reader.flag("disable_rate_limit"),
        disable_quota=reader.flag("disable_quota"),
        keeps_counters=reader.flag("dont_set_quota_on_create"),
        global_rate_limit=_global_rate_limit(reader),
        not_versioned=version is None,
        default_version=version or "",
        tags=() if reader.flag("tags_disabled") else reader.texts("tags"),
        do_not_track=reader.flag("do_not_track"),
        endpoints=read_tracked_endpoints(reader),
        records_whole=reader.flag("enable_detailed_recording"),
        secret_names=secret_names(document, target.query),
    )
    return definition, warnings


def _auth_mode(reader: DocumentReader) -> AuthMode:
    """KL-2; a token is asked for unless something else is. Modes that are not served are guards, whatever this says."""
    is_keyless, reads_jwt = reader.flag("use_keyless"), reader.flag("enable_jwt")
    reader.flag("use_standard_auth")
    if is_keyless:
        return "keyless"
    return "jwt" if reads_jwt else "token"


def _credential(reader: DocumentReader, auth_mode: AuthMode) -> CredentialSource:
    if auth_mode == "keyless":
        return NONE
    return read_credential_source(reader, "jwt" if auth_mode == "jwt" else "authToken")


def _base_identity(reader: DocumentReader, auth_mode: AuthMode) -> str:
    """MA-2: naming a mode that is off makes Tyk refuse every request, at run time (F-46)."""
    field = "base_identity_provided_by"
    named = reader.text(field)
    if not named or auth_mode == "keyless":
        return named
    flags = BASE_IDENTITIES.get(named)
    if flags is None:
        reader.report(field, "base_identity_unknown", f"must be empty or one of {', '.join(BASE_IDENTITIES)}")
    elif not any(reader.value(flag) for flag in flags) and (named, auth_mode) != ("auth_token", "token"):
        reader.report(field, "base_identity_off", f"names a mode that is off; set {' or '.join(flags)}, or empty it")
    return named


def _identifier(reader: DocumentReader, field: str, code: str, message: str) -> str:
    """Ids become parts of URLs, file names and meters' names, so they are plain."""
    text = reader.text(field)
    if text and (not _ID.fullmatch(text) or text in (".", "..")):
        reader.report(field, code, f"{message}: use 1 to 128 letters, digits, -, _, . and ~")
    return text


def _listen_path(reader: DocumentReader) -> ListenPath:
    parsed = parse_listen_path(reader.text(LISTEN_PATH))
    if isinstance(parsed, Problem):
        reader.problems.append(parsed)
        return ListenPath("", "")
    return parsed


def _target(reader: DocumentReader) -> Target:
    parsed = parse_target(reader.text(TARGET_URL))
    if isinstance(parsed, Problem):
        reader.problems.append(parsed)
        return NOWHERE
    return parsed


def _global_rate_limit(reader: DocumentReader) -> tuple[float, float] | None:
    """R-16: 0 is off; -1 is what Tyk's screens write for it."""
    rate, per = reader.number("global_rate_limit.rate"), reader.number("global_rate_limit.per")
    if reader.flag("global_rate_limit.disabled") or rate in (0, -1):
        return None
    if rate < 0:
        reader.report("global_rate_limit.rate", "invalid_rate", "must be above 0, or 0 for no limit")
    if per <= 0:
        reader.report("global_rate_limit.per", "invalid_per", "must be a number of seconds above 0")
    return rate, per


def _version(reader: DocumentReader) -> str | None:
    """The one version an API has (several are a guard); None when it is not versioned."""
    field = "version_data.default_version"
    default, versions = reader.text(field), reader.value("version_data.versions")
    if reader.flag("version_data.not_versioned") or not isinstance(versions, Mapping) or not versions:
        return None
    if default and default not in versions:
        reader.report(field, "unknown_version", "names no version of version_data.versions; name one, or empty it")
    return default or str(next(iter(versions)))


def _check(reader: DocumentReader) -> None:
    """Fields that are judged without becoming part of the definition."""
    reader.texts(OPT_OUTS)
    for field in ("allowed_ips", "blacklisted_ips"):
        for address in reader.texts(field):
            if not _is_network(address):
                reader.report(field, "invalid_address", f'invalid IP/CIDR "{address}"')


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True
