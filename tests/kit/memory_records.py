"""MemoryRecords: what a worker reads of the records, in memory. Satisfies `stores.ports.Lookups`.

Each write is one revision; announcing it is its caller's. Two hooks let a test act at the two moments of a look-up.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from propylon.model.definition_secrets import extract_secrets as take_definition_secrets
from propylon.model.key_ring import RingEntry, material_path, ring_to_stored, tokens_of
from propylon.stores.ports import KEY_SETS, Change, DefinitionRow, KeyRow, Revocation, StoredRootSecret
from propylon.stores.sealing import RootSecret, Sealing

SEALING = Sealing(RootSecret.from_text("a root secret of tests, which nobody shall use elsewhere"))

Hook = Callable[[str], Awaitable[None]]


async def nothing(_: str) -> None:
    return


class MemoryRecords:
    """`before_read` runs before a key's row is taken, `after_read` when it is on its way to the worker."""

    def __init__(self) -> None:
        self.before_read: Hook = nothing
        self.after_read: Hook = nothing
        self.reads: list[str] = []  # key hashes, in order
        self._keys: dict[str, KeyRow] = {}
        self._tokens: dict[str, str] = {}  # hash of a further token -> that of its key
        self._apis: dict[str, DefinitionRow] = {}
        self._policies: dict[str, DefinitionRow] = {}
        self._revocations: list[Revocation] = []
        self._has_imports = False
        self._changes: list[Change] = []
        self._record_ids = 0

    # -- what a test writes; each answers the revision ---------------------------------------------------------------

    def put_api(self, document: Mapping[str, Any]) -> int:
        api_id = document["api_id"]
        rest, secrets = take_definition_secrets(document)
        sealed = {field: SEALING.seal(text, f"apis:{api_id}:{field}") for field, text in secrets.items()}
        body = json.dumps(rest)
        etag = f"{len(self._changes)}"
        self._apis[api_id] = DefinitionRow(api_id, document["org_id"], "api", body, sealed, etag)
        return self._changed(f"api:{api_id}")

    def delete_api(self, api_id: str) -> int:
        del self._apis[api_id]
        return self._changed(f"api:{api_id}")

    def put_policy(self, document: Mapping[str, Any]) -> int:
        policy_id, org_id = document["id"], document["org_id"]
        self._policies[policy_id] = DefinitionRow(policy_id, org_id, "api", json.dumps(document), {}, "")
        return self._changed(f"policy:{org_id}/{policy_id}")

    def put_key(self, key_id: str, session: Mapping[str, Any]) -> int:
        """A new record, or a change of the one there is; `jwt_data.secret` is sealed anew each time."""
        org_id = session["org_id"]
        key_hash = SEALING.key_hash(org_id, key_id)
        known = self._keys.get(key_hash)
        if known is None:
            self._record_ids += 1
        record_id = self._record_ids if known is None else known.record_id
        body = dict(session)
        secrets: dict[str, str] = {}
        jwt_data = dict(body.get("jwt_data") or {})
        if secret := jwt_data.pop("secret", ""):
            secrets["jwt_data.secret"] = SEALING.seal(secret, f"keys:{record_id}:jwt_data.secret")
            body["jwt_data"] = jwt_data
        generation = 1 if known is None else known.generation
        self._keys[key_hash] = KeyRow(record_id, org_id, key_hash, "", generation, json.dumps(body), secrets)
        return self._changed(f"key:{key_hash}")

    def put_ring(self, key_id: str, *ring: RingEntry, org_id: str = "default") -> int:
        """Of a key that is there; newest first, each verification entry with its text."""
        key_hash = SEALING.key_hash(org_id, key_id)
        row = self._keys[key_hash]
        materials = {material_path(one, ring): one.text for one in ring if one.verifies and one.state != "retired"}
        sealed = {path: SEALING.seal(text, f"keys:{row.record_id}:{path}") for path, text in materials.items()}
        self._keys[key_hash] = row._replace(ring=ring_to_stored(ring), secrets=sealed)
        self._tokens |= dict.fromkeys(tokens_of(ring, key_hash), key_hash)
        return self._changed(*self._names(key_hash))

    def delete_key(self, key_id: str, org_id: str = "default") -> int:
        key_hash = SEALING.key_hash(org_id, key_id)
        names = self._names(key_hash)
        del self._keys[key_hash]
        return self._changed(*names)

    def _names(self, key_hash: str) -> list[str]:
        return [f"key:{key_hash}", *(f"key:{token}" for token, key in self._tokens.items() if key == key_hash)]

    def drop_key_sets(self) -> int:
        return self._changed(KEY_SETS)

    def revoke(self, kind: str, value: str, *, until: float = 0.0, issuer: str = "", org_id: str = "") -> int:
        self._revocations.append(Revocation(kind, value, org_id, until, issuer))
        return self._changed(f"revocation:{kind}:{value}")

    def allow(self, kind: str, value: str) -> int:
        """The end of a revocation."""
        self._revocations = [one for one in self._revocations if (one.kind, one.value) != (kind, value)]
        return self._changed(f"revocation:{kind}:{value}")

    def suspend(self, record: str) -> int:
        self._revocations.append(Revocation("identity", record, "", 0.0))
        return self._changed(f"identity:{record}")

    def resume(self, record: str) -> int:
        self._revocations = [one for one in self._revocations if one.value != record]
        return self._changed(f"identity:{record}")

    def import_keys(self, org_id: str = "default") -> int:
        """Some of that organisation, that wait for their IDs."""
        self._has_imports = True
        return self._changed(f"legacy:{org_id}")

    def change_everything(self) -> int:
        return self._changed("*")

    def _changed(self, *names: str) -> int:
        self._changes.append(Change(len(self._changes) + 1, names))
        return len(self._changes)

    # -- what a worker reads -------------------------------------------------------------------------------------

    async def key_by_hash(self, key_hash: str) -> KeyRow | None:
        self.reads.append(key_hash)
        await self.before_read(key_hash)
        row = self._keys.get(self._tokens.get(key_hash, key_hash))
        await self.after_read(key_hash)
        return row

    async def revision(self) -> int:
        return len(self._changes)

    async def changes_after(self, revision: int) -> list[Change] | None:
        return None if revision > len(self._changes) else self._changes[max(revision, 0) :]

    async def apis(self) -> list[DefinitionRow]:
        return list(self._apis.values())

    async def policies(self) -> list[DefinitionRow]:
        return list(self._policies.values())

    async def imports(self, org_id: str) -> tuple[bool, bool]:
        return self._has_imports, self._has_imports

    async def revocations(self, mark: tuple[str, str] | None = None) -> list[Revocation]:
        return [one for one in self._revocations if mark is None or (one.kind, one.value) == mark]

    async def root_secrets(self) -> list[StoredRootSecret]:
        return []  # whoever reads here was given the sealing by its test

    async def close(self) -> None:
        return
