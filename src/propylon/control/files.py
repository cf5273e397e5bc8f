"""Definitions in files (design §3.4): what `app_path` and `policy_path` hold becomes the file-owned records.

A file that cannot be read, is not valid or claims what others have is a Problem and changes nothing; the record it owns
stays. Whatever a load changes is one revision.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, NamedTuple

from propylon.control.definition_files import ApiFile, Found, read_definition_files
from propylon.control.definitions import KnownApis, taken_listen_path
from propylon.errors import Problem
from propylon.settings import Settings
from propylon.stores.ports import DefinitionRow
from propylon.stores.records.edit import Edit
from propylon.stores.records.records import Records
from propylon.stores.records.writes import API, FILE_PREFIX, Actor, DefinitionWrite

log = logging.getLogger("propylon.files")
FILES: Final = Actor("files")


class Load(NamedTuple):
    """What a load did. The path of a Problem or warning is that of the file within its folder."""

    problems: list[Problem]
    warnings: list[Problem]
    removed: list[str]  # names of the change log


class Files:
    """One per control process."""

    def __init__(self, settings: Settings, records: Records, known_apis: KnownApis) -> None:
        self._settings = settings
        self._records = records
        self._known_apis = known_apis

    async def load(self) -> Load:
        """Loads take turns, as all edits do. Raises StoreUnavailable."""
        async with self._records.change(FILES) as edit:
            found = await asyncio.to_thread(read_definition_files, self._settings)
            load = await self._store(edit, found)
        _log(load)
        return load

    async def _store(self, edit: Edit, found: Found) -> Load:
        rows = await self._records.apis()
        kept = found.kept_origins
        if not found.is_complete:
            kept |= {row.origin for row in [*rows, *await self._records.policies()]}
        self._refuse_clashes(rows, found)
        apis = [file.write for file in found.apis]
        stored = await edit.replace_file_owned(apis, found.policies, kept_origins=kept)
        return Load([*found.problems, *stored.problems], found.warnings, stored.removed)

    def _refuse_clashes(self, rows: Sequence[DefinitionRow], found: Found) -> None:
        """A refused file keeps its old record, whose listen path may be what another file wants: so until none is."""
        while (clash := self._first_clash(rows, found)) is not None:
            file, problem = clash
            found.apis.remove(file)
            found.refuse(file.write.origin.removeprefix(FILE_PREFIX), [problem])

    def _first_clash(self, rows: Sequence[DefinitionRow], found: Found) -> tuple[ApiFile, Problem] | None:
        """A listen path of what stays in the records, or of an earlier file."""
        in_files = {file.write.id for file in found.apis}
        staying = [
            row for row in rows if row.origin == API or (row.origin in found.kept_origins and row.id not in in_files)
        ]
        owners: dict[str, DefinitionRow | DefinitionWrite] = {**self._known_apis.listen_paths(staying)}
        for file in found.apis:
            owner = owners.setdefault(file.listen_path, file.write) if file.listen_path else file.write
            if owner.id != file.write.id:
                return file, taken_listen_path(owner)
        return None


def _log(load: Load) -> None:
    for problem in load.problems:
        log.error("%s: %s", problem.path, problem.message)
    for warning in load.warnings:
        log.warning("%s: %s", warning.path, warning.message)
    for name in load.removed:
        log.warning("%s was removed: its file is gone", name)
