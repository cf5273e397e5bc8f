"""A stored definition made executable. No traffic object parses configuration."""

import json
import os
from collections.abc import Mapping
from errno import ENOENT
from pathlib import Path
from typing import Any, NamedTuple

from propylon.model.api_definition import ApiDefinition, ParsedApi, parse_api, restore_secrets
from propylon.model.references import resolve
from propylon.settings import Settings
from propylon.snapshot.route import route_of
from propylon.snapshot.snapshot import ApiState
from propylon.steps.catalogue import compile_steps
from propylon.steps.keyring import Keyring, KeySecrets, PolicyBook
from propylon.steps.step import Surroundings
from propylon.stores.ports import DefinitionRow


class ReferenceSources(NamedTuple):
    """What `env://` and `file://` in a definition may reach."""

    environment: Mapping[str, str]
    files_path: Path | None

    def read(self, path: str) -> str:
        """A file below `files_path`; raises OSError for any other, as if it were not there."""
        if self.files_path is None:
            raise FileNotFoundError(ENOENT, "files_path is not set, so definitions may read no file")
        folder = self.files_path.resolve()
        file = (folder / path).resolve()
        if not file.is_relative_to(folder):
            raise FileNotFoundError(ENOENT, f"not below files_path {folder}")
        return file.read_text(encoding="utf-8").strip()


def reference_sources(settings: Settings) -> ReferenceSources:
    """Those of this process."""
    return ReferenceSources(os.environ, settings.files_path)


class Workshop(NamedTuple):
    """What routes are made with."""

    keyring: Keyring
    book: PolicyBook
    surroundings: Surroundings
    secrets: KeySecrets
    sources: ReferenceSources
    default_org_id: str
    node_tags: frozenset[str] = frozenset()  # empty: every API is served here


def compile_api(row: DefinitionRow, workshop: Workshop) -> ApiState:
    """The route of one definition, or why there is none."""
    document: dict[str, Any] = json.loads(row.body)
    secrets = {
        field: workshop.secrets.unseal(sealed, f"apis:{row.id}:{field}") for field, sealed in row.secrets.items()
    }
    parsed = read_api(restore_secrets(document, secrets), workshop.sources, workshop.default_org_id)
    definition = parsed.definition
    problems, warnings, guards = tuple(parsed.problems), tuple(parsed.warnings), tuple(parsed.guards)
    if definition is None or definition.internal or not definition.active or _is_of_other_nodes(definition, workshop):
        return ApiState(row.etag, None, problems, warnings, guards)
    steps = compile_steps(definition, guards, workshop.keyring, workshop.book, workshop.surroundings)
    return ApiState(row.etag, route_of(definition, steps), problems, warnings, guards)


def _is_of_other_nodes(definition: ApiDefinition, workshop: Workshop) -> bool:
    return bool(workshop.node_tags) and workshop.node_tags.isdisjoint(definition.tags)


def read_api(
    document: dict[str, Any], sources: ReferenceSources, default_org_id: str, *, strict: bool = False
) -> ParsedApi:
    """A definition with its references resolved, judged."""
    resolved, problems = resolve(document, sources.environment, sources.read, {})
    parsed = parse_api(resolved, strict=strict, default_org_id=default_org_id)
    return parsed._replace(problems=[*problems, *parsed.problems], definition=None if problems else parsed.definition)
