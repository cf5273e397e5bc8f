"""A stored definition made executable. No traffic object parses configuration."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from propylon.model.api_definition import ParsedApi, parse_api, restore_secrets
from propylon.model.references import resolve
from propylon.snapshot.route import route_of
from propylon.snapshot.snapshot import ApiState
from propylon.steps.catalogue import compile_steps
from propylon.steps.keyring import Keyring, KeySecrets, PolicyBook
from propylon.steps.step import Surroundings
from propylon.stores.ports import DefinitionRow


class Workshop(NamedTuple):
    """What routes are made with."""

    keyring: Keyring
    book: PolicyBook
    surroundings: Surroundings
    secrets: KeySecrets
    environment: Mapping[str, str]
    default_org_id: str


def compile_api(row: DefinitionRow, workshop: Workshop) -> ApiState:
    """The route of one definition, or why there is none."""
    document: dict[str, Any] = json.loads(row.body)
    secrets = {
        field: workshop.secrets.unseal(sealed, f"apis:{row.id}:{field}") for field, sealed in row.secrets.items()
    }
    parsed = read_api(restore_secrets(document, secrets), workshop.environment, workshop.default_org_id)
    definition = parsed.definition
    problems, warnings, guards = tuple(parsed.problems), tuple(parsed.warnings), tuple(parsed.guards)
    if definition is None or definition.internal or not definition.active:
        return ApiState(row.etag, None, problems, warnings, guards)
    steps = compile_steps(definition, guards, workshop.keyring, workshop.book, workshop.surroundings)
    return ApiState(row.etag, route_of(definition, steps), problems, warnings, guards)


def read_api(
    document: dict[str, Any], environment: Mapping[str, str], default_org_id: str, *, strict: bool = False
) -> ParsedApi:
    """A definition with its references resolved, judged."""
    resolved, problems = resolve(document, environment, _read_file, {})
    parsed = parse_api(resolved, strict=strict, default_org_id=default_org_id)
    return parsed._replace(problems=[*problems, *parsed.problems], definition=None if problems else parsed.definition)


def _read_file(path: str) -> str:
    return Path(path).read_text(encoding="utf-8").strip()


def process_environment() -> Mapping[str, str]:
    """For `env://` references."""
    return os.environ
