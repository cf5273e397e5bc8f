"""An API definition or a policy that is to be stored, judged: for the Gateway API and for files alike.

Knows neither HTTP nor files. Whether something executable can be made of an API, `snapshot.compile` says.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from propylon.errors import Problem
from propylon.model.api_definition import ApiDefinition, keep_secrets, restore_secrets
from propylon.model.policy import Policy, parse_policy, policy_to_json
from propylon.settings import Settings
from propylon.snapshot.compile import process_environment, read_api

UNHONOURED: Final = frozenset({"not_honoured", "guard_unsupported", "unknown_field"})  # of keys and policies


class JudgedApi(NamedTuple):
    definition: ApiDefinition
    document: dict[str, Any]  # as it is stored: without its secrets
    secrets: dict[str, str]
    warnings: list[Problem]  # guards among them


class JudgedPolicy(NamedTuple):
    policy: Policy
    document: dict[str, Any]
    warnings: list[Problem]


def judge_api(
    document: Mapping[str, Any], stored_secrets: Mapping[str, str], clear: frozenset[str], settings: Settings
) -> JudgedApi | list[Problem]:
    """`stored_secrets` are those of the definition that this one replaces; `clear` names those that go."""
    kept = keep_secrets(document, stored_secrets, clear)
    whole = restore_secrets(kept.document, kept.secrets)
    strict = settings.strict_definitions
    parsed = read_api(whole, process_environment(), settings.default_org_id, strict=strict)
    if parsed.definition is None:
        return parsed.problems
    stored = {**kept.document, "org_id": parsed.definition.org_id}
    warnings = [*kept.warnings, *parsed.guards, *parsed.warnings]
    if not kept.document.get("org_id"):
        warnings.append(default_org(settings.default_org_id))
    return JudgedApi(parsed.definition, stored, kept.secrets, warnings)


def judge_policy(document: object, settings: Settings) -> JudgedPolicy | list[Problem]:
    policy, problems, warnings = parse_policy(document)
    if policy is None:
        return problems
    refused = refused_when_strict(warnings, settings)
    if refused:
        return refused
    if not policy.org_id:
        policy.org_id = settings.default_org_id
        warnings.append(default_org(settings.default_org_id))
    return JudgedPolicy(policy, policy_to_json(policy), warnings)


def refused_when_strict(warnings: list[Problem], settings: Settings) -> list[Problem]:
    """What `strict_definitions` makes of the warnings of a key or policy."""
    return [warning for warning in warnings if settings.strict_definitions and warning.code in UNHONOURED]


def default_org(org_id: str) -> Problem:
    return Problem("org_id", "default_organisation", f'is not given; "{org_id}" was taken, as default_org_id says')
