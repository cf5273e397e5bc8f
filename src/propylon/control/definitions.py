"""An API definition or a policy that is to be stored, judged: for the Gateway API and for files alike.

Knows neither HTTP nor files. Whether something executable can be made of an API, `snapshot.compile` says.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from propylon.errors import Problem
from propylon.model.api_definition import ApiDefinition, keep_secrets, restore_secrets
from propylon.model.key_set_url import url_trouble
from propylon.model.listen_path import FIELD as LISTEN_PATH
from propylon.model.policy import Policy, parse_policy, policy_to_json
from propylon.settings import Settings
from propylon.snapshot.compile import read_api, reference_sources
from propylon.snapshot.issuer_source import sources_of
from propylon.snapshot.public_address import address_trouble
from propylon.stores.ports import DefinitionRow
from propylon.stores.records.records import Records
from propylon.stores.records.writes import API, FILE_PREFIX, DefinitionWrite

FOREIGN_LISTEN_PATH: Final = Problem(LISTEN_PATH, "listen_path_taken", "is taken; choose another")
KNOWN_MAX: Final = 10_000
# Warnings that a setting makes problems of. What strict_definitions does to APIs is `parse_api`'s.
UNHONOURED: Final = frozenset({"not_honoured", "guard_unsupported", "unknown_field"})
WEAK_SECRETS: Final = frozenset({"secret_short", "secret_public"})


class JudgedApi(NamedTuple):
    definition: ApiDefinition
    document: dict[str, Any]  # as it is stored: without its secrets
    secrets: dict[str, str]
    warnings: list[Problem]  # guards among them

    def write(self, api_id: str, origin: str = API) -> DefinitionWrite:
        body = json.dumps({**self.document, "api_id": api_id}, ensure_ascii=False)
        return DefinitionWrite(api_id, self.definition.org_id, body, self.secrets, origin)


class JudgedPolicy(NamedTuple):
    policy: Policy
    warnings: list[Problem]

    def write(self, origin: str = API) -> DefinitionWrite:
        body = json.dumps(policy_to_json(self.policy), ensure_ascii=False)
        return DefinitionWrite(self.policy.id, self.policy.org_id, body, origin=origin)


class KnownApis:
    """What stored definitions say, read once for each of their etags."""

    def __init__(self, records: Records, settings: Settings) -> None:
        self._records = records
        self._sources = reference_sources(settings)
        self._default_org_id = settings.default_org_id
        self._known: dict[str, tuple[str, ApiDefinition | None]] = {}

    def definition(self, row: DefinitionRow) -> ApiDefinition | None:
        """None when it no longer reads, as when a variable it refers to is gone."""
        etag, definition = self._known.get(row.id, ("", None))
        if etag != row.etag:
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            whole = restore_secrets(json.loads(row.body), self._records.unseal_api(row))
            definition = read_api(whole, self._sources, self._default_org_id).definition
            self._known[row.id] = (row.etag, definition)
        return definition

    def listen_paths(self, rows: Sequence[DefinitionRow]) -> dict[str, DefinitionRow]:
        """Who is reached where; internal APIs are reached nowhere."""
        found = ((self.definition(row), row) for row in rows)
        return {one.listen_path: row for one, row in found if one is not None and not one.internal}


def judge_api(
    document: Mapping[str, Any], stored_secrets: Mapping[str, str], clear: frozenset[str], settings: Settings
) -> JudgedApi | list[Problem]:
    """`stored_secrets` are those of the definition that this one replaces; `clear` names those that go."""
    kept = keep_secrets(document, stored_secrets, clear)
    whole = restore_secrets(kept.document, kept.secrets)
    strict = settings.strict_definitions
    parsed = read_api(whole, reference_sources(settings), settings.default_org_id, strict=strict)
    if parsed.definition is None:
        return parsed.problems
    insecure = [] if settings.allow_insecure_jwks else insecure_key_sets(whole, parsed.definition)
    if refused := [*refused_when_strict(parsed.warnings, settings), *insecure]:
        return refused
    stored = kept.document
    warnings = [*kept.warnings, *parsed.guards, *parsed.warnings]
    if not stored.get("org_id"):
        stored = {**stored, "org_id": parsed.definition.org_id}
        warnings.append(default_org(parsed.definition.org_id))
    return JudgedApi(parsed.definition, stored, kept.secrets, warnings)


def insecure_key_sets(document: Mapping[str, Any], definition: ApiDefinition) -> list[Problem]:
    """URLs that would never be fetched from; the address behind a name is judged at each fetch."""
    issuers = definition.jwt.issuers if definition.jwt is not None else ()
    urls = dict.fromkeys(source.url for issuer in issuers for source in sources_of(issuer))
    path = next((field for field in ("jwt_issuers", "jwt_jwks_uris") if document.get(field)), "jwt_source")
    troubles = ((url, url_trouble(url) or address_trouble(url)) for url in urls)
    return [Problem(path, "jwks_url_insecure", f"{url} {trouble}") for url, trouble in troubles if trouble]


def judge_policy(document: object, org_id: str, settings: Settings) -> JudgedPolicy | list[Problem]:
    """`org_id` is what was said beside the document, "" for nothing."""
    policy, problems, warnings = parse_policy(document)
    if policy is None:
        return problems
    if refused := refused_when_strict(warnings, settings):
        return refused
    if not policy.org_id:
        policy.org_id = org_id or settings.default_org_id
        warnings += [] if org_id else [default_org(policy.org_id)]
    return JudgedPolicy(policy, warnings)


def refused_when_strict(warnings: Iterable[Problem], settings: Settings) -> list[Problem]:
    refused = UNHONOURED if settings.strict_definitions else frozenset()
    refused |= WEAK_SECRETS if settings.strict_secrets else frozenset()
    return [warning for warning in warnings if warning.code in refused]


def default_org(org_id: str) -> Problem:
    return Problem("org_id", "default_organisation", f'is not given; "{org_id}" was taken, as default_org_id says')


def taken_listen_path(owner: DefinitionRow | DefinitionWrite) -> Problem:
    where = "" if owner.origin == API else f" (of the file {owner.origin.removeprefix(FILE_PREFIX)})"
    return Problem(LISTEN_PATH, "listen_path_taken", f"is the listen path of API {owner.id}{where}; choose another")
