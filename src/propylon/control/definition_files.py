"""Reads the folders of definitions: each file judged, none stored. Knows no store; blocks, so it runs in a thread."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from propylon.control.definitions import JudgedApi, JudgedPolicy, judge_api, judge_policy
from propylon.control.strict_json import MalformedJson, read_json
from propylon.errors import Problem
from propylon.model.api_definition import unwrap
from propylon.settings import Settings
from propylon.stores.records.writes import FILE_PREFIX, DefinitionWrite

COMPANIONS: Final = ("-oas.json", "-mcp.json")


class ApiFile(NamedTuple):
    write: DefinitionWrite
    listen_path: str  # "" for an internal API, which is reached nowhere


class Found:
    """All that the folders hold."""

    def __init__(self) -> None:
        self.apis: list[ApiFile] = []
        self.policies: list[DefinitionWrite] = []
        self.problems: list[Problem] = []  # paths are those of the files
        self.warnings: list[Problem] = []
        self.kept_origins: set[str] = set()  # of files that are there and not valid
        self.is_complete = True  # whether every folder could be read

    def refuse(self, file: str, problems: list[Problem]) -> None:
        self.kept_origins.add(FILE_PREFIX + file)
        self.problems += _of_file(file, problems)

    def warn(self, file: str, warnings: list[Problem]) -> None:
        self.warnings += _of_file(file, warnings)


def read_definition_files(settings: Settings) -> Found:
    found = Found()
    for name, document in _documents(settings.app_path, "app_path", found):
        _read_api(name, document, settings, found)
    for name, document in _documents(settings.policy_path, "policy_path", found):
        _read_policies(name, document, settings, found)
    return found


def _documents(folder: Path | None, setting: str, found: Found) -> Iterator[tuple[str, Any]]:
    for path in _paths(folder, setting, found):
        try:
            yield path.name, read_json(path.read_bytes())
        except (OSError, MalformedJson) as trouble:
            text = f"cannot be read: {trouble.strerror}" if isinstance(trouble, OSError) else str(trouble)
            found.refuse(path.name, [Problem("", "file_unreadable", text)])


def _paths(folder: Path | None, setting: str, found: Found) -> list[Path]:
    if folder is None:
        return []
    if folder.is_file():
        return [folder]
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".json")
    except OSError as error:
        found.is_complete = False
        text = f"{folder} cannot be read ({error.strerror}); nothing of it was changed"
        found.problems.append(Problem(setting, "folder_unreadable", text))
        return []
    names = {path.name for path in paths}
    companions = [path for path in paths if (base := _base_of(path.name)) and base in names]
    for path in companions:
        text = f"holds another form of {_base_of(path.name)} and is not read"
        found.warn(path.name, [Problem("", "companion_skipped", text)])
    return [path for path in paths if path not in companions]


def _base_of(name: str) -> str:
    """Of a companion the file that it belongs to, else ""."""
    return next((name.removesuffix(ending) + ".json" for ending in COMPANIONS if name.endswith(ending)), "")


def _read_api(name: str, document: Any, settings: Settings, found: Found) -> None:
    if not isinstance(document, dict) or not unwrap(document).get("api_id"):
        text = "is no API definition with an api_id; a file has to name what it owns"
        found.refuse(name, [Problem("", "api_id_missing", text)])
        return
    judged = judge_api(document, {}, frozenset(), settings)
    if not isinstance(judged, JudgedApi):
        found.refuse(name, judged)
        return
    definition = judged.definition
    listen_path = "" if definition.internal else definition.listen_path
    found.apis.append(ApiFile(judged.write(definition.api_id, FILE_PREFIX + name), listen_path))
    found.warn(name, judged.warnings)


def _read_policies(name: str, document: Any, settings: Settings, found: Found) -> None:
    """All policies of a file, or none."""
    judged = [judge_policy(one, "", settings) for one in policies_in(document)]
    problems = [problem for one in judged if not isinstance(one, JudgedPolicy) for problem in one]
    if problems:
        found.refuse(name, problems)
        return
    for one in judged:
        assert isinstance(one, JudgedPolicy)
        found.policies.append(one.write(FILE_PREFIX + name))
        found.warn(name, one.warnings)


def policies_in(document: Any) -> list[Any]:
    """One policy, a list of them, or Tyk's map, where the id is the key (gateway-api.md §7.3)."""
    if isinstance(document, list):
        return document
    if isinstance(document, dict) and document and all(isinstance(value, dict) for value in document.values()):
        return [{**policy, "id": id_} for id_, policy in document.items()]
    return [document]


def _of_file(file: str, problems: list[Problem]) -> list[Problem]:
    return [Problem(file, one.code, f"{one.path} {one.message}".strip()) for one in problems]
