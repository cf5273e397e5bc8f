"""The tables of the records and of usage, as SQLAlchemy Core knows them. Their history is `migrations/`.

`RECORDS` and `USAGE` are two databases when SQLite, so that counting never waits for a control write. Times are Unix
seconds. Sealed values stand in `secrets`, JSON of field path to sealed text; nothing else here is secret.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

RECORDS: Final = MetaData()
USAGE: Final = MetaData()
VERSION_TABLE: Final = "schema_version"
NEWEST_SCHEMA: Final = "0001"  # of both; a fresh database is made from this page and stamped with it

Number = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER may number rows there


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


def _count(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default="0")


def _object(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="{}")


def _time(name: str) -> Column[float]:
    return Column(name, Double, nullable=False)


def _definition_columns() -> list[Column[Any]]:
    return [
        _text("origin"),
        _object("body"),
        _object("secrets"),
        _text("etag"),
        _time("created_at"),
        _time("updated_at"),
    ]


organisations = Table("organisations", RECORDS, Column("id", Text, primary_key=True), _text("name"))

apis = Table("apis", RECORDS, Column("id", Text, primary_key=True), _text("org_id"), *_definition_columns())

policies = Table(
    "policies",
    RECORDS,
    Column("org_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    *_definition_columns(),
    Index("policies_by_id", "id"),  # Tyk's API names a policy without its organisation
)

keys = Table(
    "keys",
    RECORDS,
    Column("record_id", Number, primary_key=True, autoincrement=True),
    _text("org_id"),
    Column("key_hash", Text, nullable=False, unique=True),
    _text("key_id"),  # only of keys whose ID is no credential
    _text("alias"),
    _text("kind"),
    _count("generation"),
    _object("session"),
    _object("secrets"),
    _time("created_at"),
    _time("updated_at"),
    Index("keys_by_org", "org_id", "record_id"),
    Index("keys_by_alias", "alias", "record_id"),
    sqlite_autoincrement=True,  # a record id is never reused
)

# What a key refers to, under the names of the change log: finds the keys of an API or policy without reading sessions.
# No foreign key: a migration that makes `keys` anew would cascade into it, as the pragma is fixed within a transaction.
key_uses = Table(
    "key_uses",
    RECORDS,
    Column("name", Text, primary_key=True),
    Column("record_id", Number, primary_key=True, autoincrement=False),
    Index("key_uses_by_key", "record_id"),
    sqlite_with_rowid=False,
)

identities = Table(
    "identities",
    RECORDS,
    Column("record_id", Number, primary_key=True, autoincrement=True),
    _text("org_id"),
    _text("issuer"),
    _text("subject"),
    _text("name"),
    _time("first_seen_at"),
    _time("last_seen_at"),
    UniqueConstraint("org_id", "issuer", "subject", name="identity_once"),
    sqlite_autoincrement=True,
)

changes = Table(
    "changes",
    RECORDS,
    Column("revision", Number, primary_key=True, autoincrement=True),
    Column("names", Text, nullable=False),  # a JSON list
    _time("at"),
    sqlite_autoincrement=True,
)

settings_check = Table(
    "settings_check",
    RECORDS,
    Column("fingerprint", Text, primary_key=True),  # of the root secret that the records were made with
    Column("sealed", Text, nullable=False),  # opens with that secret alone
)

quota_checkpoints = Table(
    "quota_checkpoints",
    RECORDS,
    Column("meter", LargeBinary, primary_key=True),
    _count("used"),
    _count("renews_wall_ns"),
)

_DIMENSIONS: Final = ("org_id", "api_id", "version", "identity", "reason", "endpoint", "tags")

usage = Table(
    "usage",
    USAGE,
    Column("minute", Number, primary_key=True, autoincrement=False),  # since the epoch
    *(Column(name, Text, primary_key=True, server_default="") for name in _DIMENSIONS),
    Column("status", SmallInteger, primary_key=True, autoincrement=False),
    _count("count"),
    _count("bytes_in"),
    _count("bytes_out"),
    _object("latencies"),  # JSON of bucket to count
    sqlite_with_rowid=False,
)

request_log = Table(
    "request_log",
    USAGE,
    Column("id", Number, primary_key=True, autoincrement=True),
    _time("at"),
    *(_text(name) for name in ("api_id", "identity", "key_hash", "name", "method", "path")),
    Column("status", SmallInteger, nullable=False),
    _text("reason"),
    _count("latency_us"),
    _count("upstream_us"),
    _count("upstream_status"),
    _text("client_ip"),
    Column("one_in", BigInteger, nullable=False, server_default="1"),  # how many exchanges this entry stands for
    _object("details"),
    Index("request_log_by_time", "at"),
    Index("request_log_by_identity", "identity", "at"),
)

drained = Table(
    "drained",
    USAGE,
    Column("queue", Text, primary_key=True),
    Column("epoch", Text, nullable=False),
    Column("upto", BigInteger, nullable=False),  # lines with lower numbers are in the aggregates
)
