"""What an edit did, as entries of the audit log. Each write of `edit.py` and its parts notes itself here."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from propylon.model.key_ring import ring_to_stored
from propylon.stores.ports import DefinitionRow, KeyRow
from propylon.stores.records.audit import Entry
from propylon.stores.records.definitions import Kind, secrets_of_definition
from propylon.stores.records.keys import etag_of_key, secrets_of_key
from propylon.stores.records.sealed import etag_of
from propylon.stores.records.writes import DefinitionWrite, KeyWrite
from propylon.stores.sealing import Sealing

Note = Callable[[Entry], None]


class Notes:
    """Of one edit, in order."""

    def __init__(self, sealing: Sealing) -> None:
        self.entries: list[Entry] = []
        self._sealing = sealing

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)

    def key(self, before: KeyRow | None, write: KeyWrite) -> None:
        ring = "" if before is None else before.ring
        if write.ring is not None:
            ring = ring_to_stored(write.ring)
        after = etag_of(self._sealing, write.session + ("" if ring == "[]" else ring), write.secrets)
        name = f"key:{write.key_hash}"
        if before is None:
            self.add(Entry("create", name, write.org_id, after=after))
            return
        fields = self._key_fields(before, write.session, write.secrets)
        fields += ["ring"] if ring != before.ring else []
        fields += ["meters"] if write.reset_meters else []
        self.add(Entry("change", name, write.org_id, etag_of_key(self._sealing, before), after, tuple(fields)))

    def key_gone(self, before: KeyRow) -> None:
        self.add(Entry("delete", f"key:{before.key_hash}", before.org_id, etag_of_key(self._sealing, before)))

    def ring(self, before: KeyRow | None, row: KeyRow, secrets: Mapping[str, str], stored_ring: str) -> None:
        assert before is not None, "a ring is of a key that is there"
        ring = "" if stored_ring == "[]" else stored_ring
        after = etag_of(self._sealing, row.session + ring, secrets)
        fields = [*self._key_fields(before, row.session, secrets), "ring"]
        entry = Entry("rotate", f"key:{row.key_hash}", row.org_id, etag_of_key(self._sealing, before), after)
        self.add(entry._replace(fields=tuple(fields)))

    def definition(self, kind: Kind, before: DefinitionRow | None, row: DefinitionRow, write: DefinitionWrite) -> None:
        if before is None:
            self.add(Entry("create", kind.name(row), row.org_id, after=row.etag))
            return
        stored = secrets_of_definition(self._sealing, kind, before)
        fields = changed_members(before.body, row.body) + _changed_secrets(stored, write.secrets)
        fields += ["origin"] if before.origin != row.origin else []
        self.add(Entry("change", kind.name(row), row.org_id, before.etag, row.etag, tuple(dict.fromkeys(fields))))

    def definition_gone(self, kind: Kind, before: DefinitionRow) -> None:
        self.add(Entry("delete", kind.name(before), before.org_id, before.etag))

    def _key_fields(self, before: KeyRow, session: str, secrets: Mapping[str, str]) -> list[str]:
        secret_fields = _changed_secrets(secrets_of_key(self._sealing, before), secrets)
        return list(dict.fromkeys(changed_members(before.session, session) + secret_fields))


def changed_members(before: str, after: str) -> list[str]:
    """Top-level members of two JSON objects that differ, by name, in order."""
    one, other = _object(before), _object(after)
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _changed_secrets(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return _heads(path for path in sorted(before.keys() | after.keys()) if before.get(path) != after.get(path))


def _heads(paths: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(path.partition(".")[0] for path in paths))


def _object(text: str) -> dict[str, Any]:
    """What is no object has no members."""
    found = json.loads(text)
    return found if isinstance(found, dict) else {}
