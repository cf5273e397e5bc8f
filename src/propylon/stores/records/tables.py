"""The tables of the records and of usage, as SQLAlchemy Core knows them. Their history is `migrations/`.

`RECORDS` and `USAGE` are two databases when SQLite, so that counting never waits for a control write, and stand beside
each other in one when PostgreSQL. Those of people and of the audit log are `people_tables.py`. Times are Unix seconds.
Sealed values stand in `secrets`, JSON of field path to sealed text; nothing else here is secret.
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
# A fresh database is made from this page and stamped with it.
NEWEST_RECORDS: Final = "0004"
NEWEST_USAGE: Final = "0003"

Number = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER may number rows there
# Compared by bytes, as SQLite does: a language's order would differ, and changes with the libraries of a machine.
Bytewise = Text().with_variant(Text(collation="C"), "postgresql")


def _text(name: str) -> Column[str]:
    return Column(name, Bytewise, nullable=False, server_default="")


def _count(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default="0")


def _object(name: str) -> Column[str]:
    return Column(name, Bytewise, nullable=False, server_default="{}")


def _list(name: str) -> Column[str]:
    return Column(name, Bytewise, nullable=False, server_default="[]")


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


organisations = Table(
    "organisations",
    RECORDS,
    Column("id", Bytewise, primary_key=True),
    _text("name"),
    _object("body"),  # Tyk's fields but for the id
    Column("created_at", Double, nullable=False, server_default="0"),
    Column("updated_at", Double, nullable=False, server_default="0"),
)

apis = Table("apis", RECORDS, Column("id", Bytewise, primary_key=True), _text("org_id"), *_definition_columns())

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
    _text("org_id"),
    Column("key_hash", Bytewise, nullable=False, unique=True),
    _text("key_id"),  # only of keys whose ID is no credential
    _text("alias"),
    _text("kind"),
    _count("generation"),
    _object("session"),
    _object("secrets"),
    _time("created_at"),
    _time("updated_at"),
    _list("ring"),  # its verification entries and token generations, without their secrets; most keys have none
    _count("retiring"),  # how many of them are on their way out
    Index("keys_by_org", "org_id", "record_id"),
    Index("keys_by_alias", "alias", "record_id"),
    sqlite_autoincrement=True,  # a record id is never reused
)
Index(
    "keys_retiring",
    keys.c.record_id,
    sqlite_where=keys.c.retiring > 0,
    postgresql_where=keys.c.retiring > 0,
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
    _count("generation"),
    Index("key_tokens_by_key", "record_id"),
    sqlite_with_rowid=False,
)

# When a generation of a key was last used, to the minute. Apart from `keys`, as it is no change of the key.
key_last_used = Table(
    "key_last_used",
    RECORDS,
    Column("record_id", Number, primary_key=True, autoincrement=False),
    Column("generation", BigInteger, primary_key=True, autoincrement=False),
    _time("at"),
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
    _text("pinned_key_hash"),  # of the key ID that its first good use named, "" until then
    _list("spellings"),
    _time("at"),
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
    _time("until"),
    _time("at"),
    sqlite_with_rowid=False,
)

# What a repeated request is answered with, by what its client named it.
idempotency = Table(
    "idempotency",
    RECORDS,
    Column("name", Bytewise, primary_key=True),
    _object("answer"),
    _time("at"),
    Index("idempotency_by_time", "at"),
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
    _list("policies"),
    Column("state", Bytewise, nullable=False, server_default="active"),
    _text("key_hash"),
    Index("identities_by_hash", "key_hash"),
    UniqueConstraint("org_id", "issuer", "subject", name="identity_once"),
    sqlite_autoincrement=True,
)

changes = Table(
    "changes",
    RECORDS,
    Column("revision", Number, primary_key=True, autoincrement=True),
    Column("names", Bytewise, nullable=False),  # a JSON list
    _time("at"),
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
    _count("used"),
    _count("renews_wall_ns"),
)

_DIMENSIONS: Final = ("org_id", "api_id", "version", "identity", "reason", "endpoint", "tags")

_LATENCY_SUMS: Final = ("latency_us", "min_us", "max_us")  # of the buckets' middles and ends

usage = Table(
    "usage",
    USAGE,
    Column("minute", Number, primary_key=True, autoincrement=False),  # since the epoch
    *(Column(name, Bytewise, primary_key=True, server_default="") for name in _DIMENSIONS),
    Column("status", SmallInteger, primary_key=True, autoincrement=False),
    _count("count"),
    _count("bytes_in"),
    _count("bytes_out"),
    _object("latencies"),  # JSON of bucket to count
    *(_count(name) for name in _LATENCY_SUMS),
    Index("usage_by_identity", "identity", "minute"),
    sqlite_with_rowid=False,
)


def _rolled_up(name: str, dimensions: tuple[str, ...], *indexes: Index) -> Table:
    """The same exchanges added up over longer stretches: `grain` minutes from the minute `at`."""
    return Table(
        name,
        USAGE,
        Column("grain", Number, primary_key=True, autoincrement=False),
        Column("at", Number, primary_key=True, autoincrement=False),
        *(Column(one, Bytewise, primary_key=True, server_default="") for one in dimensions),
        Column("status", SmallInteger, primary_key=True, autoincrement=False),
        *(_count(one) for one in ("count", "bytes_in", "bytes_out")),
        _object("latencies"),
        *(_count(one) for one in (*_LATENCY_SUMS, "last_minute")),
        *indexes,
        sqlite_with_rowid=False,
    )


# Hours, quarters of days, days and weeks; latencies in hours alone.
usage_callers = _rolled_up("usage_callers", _DIMENSIONS, Index("usage_callers_by_identity", "identity", "grain", "at"))
# Minutes, hours and days, whoever called: a thousandth of the rows, for what is told of all callers together.
usage_traffic = _rolled_up("usage_traffic", tuple(one for one in _DIMENSIONS if one != "identity"))

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
    _text("trace"),
    _text("org_id"),
    Index("request_log_by_org", "org_id", "at", "id"),
    Index("request_log_by_api", "api_id", "at", "id"),
    Index("request_log_by_reason", "reason", "at", "id"),
    Index("request_log_by_time", "at"),
    Index("request_log_by_identity", "identity", "at"),
    Index("request_log_by_trace", "trace"),
)

drained = Table(
    "drained",
    USAGE,
    Column("queue", Bytewise, primary_key=True),
    Column("epoch", Bytewise, nullable=False),
    Column("upto", BigInteger, nullable=False),  # lines with lower numbers are in the aggregates
)
