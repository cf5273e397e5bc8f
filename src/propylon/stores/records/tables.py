"""The tables of the records, as SQLAlchemy Core knows them. Their history is `migrations/`.

Those of people and of the audit log are `people_tables.py`, those of usage `usage_tables.py`. Times are Unix seconds.
Sealed values stand in `secrets`, JSON of field path to sealed text; nothing else here is secret.
"""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Double, Index, LargeBinary, MetaData, SmallInteger, Table, UniqueConstraint

from propylon.stores.records.columns import (
    Bytewise,
    Number,
    count_column,
    list_column,
    object_column,
    text_column,
    time_column,
)

RECORDS: Final = MetaData()
VERSION_TABLE: Final = "schema_version"
NEWEST_RECORDS: Final = "0005"  # a fresh database is made from this page and stamped with it


def _definition_columns() -> list[Column[Any]]:
    return [
        text_column("origin"),
        object_column("body"),
        object_column("secrets"),
        text_column("etag"),
        time_column("created_at"),
        time_column("updated_at"),
    ]


organisations = Table(
    "organisations",
    RECORDS,
    Column("id", Bytewise, primary_key=True),
    text_column("name"),
    object_column("body"),  # Tyk's fields but for the id
    Column("created_at", Double, nullable=False, server_default="0"),
    Column("updated_at", Double, nullable=False, server_default="0"),
)

apis = Table("apis", RECORDS, Column("id", Bytewise, primary_key=True), text_column("org_id"), *_definition_columns())

policies = Table(
    "policies",
    RECORDS,
    Column("org_id", Bytewise, primary_key=True),
    Column("id", Bytewise, primary_key=True),
    *_definition_columns(),
    Index("policies_by_id", "id"),  # Tyk's API names a policy without its organisation
)

keys = Table(
    "keys",
    RECORDS,
    Column("record_id", Number, primary_key=True, autoincrement=True),
    text_column("org_id"),
    Column("key_hash", Bytewise, nullable=False, unique=True),
    text_column("key_id"),  # only of keys whose ID is no credential
    text_column("alias"),
    text_column("kind"),
    count_column("generation"),
    object_column("session"),
    object_column("secrets"),
    time_column("created_at"),
    time_column("updated_at"),
    list_column("ring"),  # its verification entries and token generations, without their secrets; most keys have none
    count_column("retiring"),  # how many of them are on their way out
    # What lists go by, taken from the session that was written at `listed_at`; `key_lists.py`.
    Column("expires", Double, nullable=False, server_default="0"),
    Column("inactive", SmallInteger, nullable=False, server_default="0"),
    Column("listed_at", Double, nullable=False, server_default="0"),
    Index("keys_by_org", "org_id", "record_id"),
    # All that lists go by: rows, which are long, are not read for it.
    Index("keys_for_lists", "org_id", "record_id", "kind", "inactive", "expires"),
    Index("keys_by_alias", "alias", "record_id"),
    sqlite_autoincrement=True,  # a record id is never reused
)
Index(
    "keys_retiring",
    keys.c.record_id,
    sqlite_where=keys.c.retiring > 0,
    postgresql_where=keys.c.retiring > 0,
)
Index(
    "keys_unlisted",
    keys.c.record_id,
    sqlite_where=keys.c.listed_at != keys.c.updated_at,
    postgresql_where=keys.c.listed_at != keys.c.updated_at,
)

# The beginnings of the tags of keys, for lists.
key_tags = Table(
    "key_tags",
    RECORDS,
    Column("org_id", Bytewise, primary_key=True),
    Column("tag", Bytewise, primary_key=True),
    Column("record_id", Number, primary_key=True, autoincrement=False),
    Index("key_tags_by_key", "record_id"),
    sqlite_with_rowid=False,
)

# What a key refers to, under the names of the change log: finds the keys of an API or policy without reading sessions.
# No foreign key: a migration that makes `keys` anew would cascade into it, as the pragma is fixed within a transaction.
key_uses = Table(
    "key_uses",
    RECORDS,
    Column("name", Bytewise, primary_key=True),
    Column("record_id", Number, primary_key=True, autoincrement=False),
    Index("key_uses_by_key", "record_id"),
    sqlite_with_rowid=False,
)

# Further tokens of a key: that of its first generation is `keys.key_hash`. None is free for another key while this is.
key_tokens = Table(
    "key_tokens",
    RECORDS,
    Column("key_hash", Bytewise, primary_key=True),
    Column("record_id", Number, nullable=False),
    count_column("generation"),
    Index("key_tokens_by_key", "record_id"),
    sqlite_with_rowid=False,
)

# When a generation of a key was last used, to the minute. Apart from `keys`, as it is no change of the key.
key_last_used = Table(
    "key_last_used",
    RECORDS,
    Column("record_id", Number, primary_key=True, autoincrement=False),
    Column("generation", BigInteger, primary_key=True, autoincrement=False),
    time_column("at"),
    sqlite_with_rowid=False,
)

# Hashes that another gateway stored its keys under; the same one may be that of several keys (murmur32 has 32 bits).
legacy_hashes = Table(
    "legacy_hashes",
    RECORDS,
    Column("org_id", Bytewise, primary_key=True),
    Column("algorithm", Bytewise, primary_key=True),
    Column("hash", Bytewise, primary_key=True),
    Column("record_id", Number, primary_key=True, autoincrement=False),
    text_column("pinned_key_hash"),  # of the key ID that its first good use named, "" until then
    list_column("spellings"),
    time_column("at"),
    Index("legacy_hashes_by_key", "record_id"),
    Index("legacy_hashes_by_pin", "org_id", "pinned_key_hash"),
    sqlite_with_rowid=False,
)

# What is refused although nothing else is wrong with it: until then, or for good when `until` is 0.
revocations = Table(
    "revocations",
    RECORDS,
    Column("kind", Bytewise, primary_key=True),
    Column("value", Bytewise, primary_key=True),
    Column("issuer", Bytewise, primary_key=True, server_default=""),
    Column("org_id", Bytewise, primary_key=True, server_default=""),
    time_column("until"),
    time_column("at"),
    sqlite_with_rowid=False,
)

# What a repeated request is answered with, by what its client named it.
idempotency = Table(
    "idempotency",
    RECORDS,
    Column("name", Bytewise, primary_key=True),
    object_column("answer"),
    time_column("at"),
    Index("idempotency_by_time", "at"),
    sqlite_with_rowid=False,
)

identities = Table(
    "identities",
    RECORDS,
    Column("record_id", Number, primary_key=True, autoincrement=True),
    text_column("org_id"),
    text_column("issuer"),
    text_column("subject"),
    text_column("name"),
    time_column("first_seen_at"),
    time_column("last_seen_at"),
    list_column("policies"),
    Column("state", Bytewise, nullable=False, server_default="active"),
    text_column("key_hash"),
    Index("identities_by_hash", "key_hash"),
    UniqueConstraint("org_id", "issuer", "subject", name="identity_once"),
    sqlite_autoincrement=True,
)

changes = Table(
    "changes",
    RECORDS,
    Column("revision", Number, primary_key=True, autoincrement=True),
    Column("names", Bytewise, nullable=False),  # a JSON list
    time_column("at"),
    sqlite_autoincrement=True,
)

settings_check = Table(
    "settings_check",
    RECORDS,
    Column("fingerprint", Bytewise, primary_key=True),  # of a root secret in use
    Column("sealed", Bytewise, nullable=False),  # the lasting keys; opens with that secret alone
    Column("number", BigInteger, nullable=False, server_default="1"),  # the highest seals; 0: has not
)

quota_checkpoints = Table(
    "quota_checkpoints",
    RECORDS,
    Column("meter", LargeBinary, primary_key=True),
    count_column("used"),
    count_column("renews_wall_ns"),
)
