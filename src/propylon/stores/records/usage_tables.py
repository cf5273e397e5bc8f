"""The tables of usage, as SQLAlchemy Core knows them. Their history is `migrations/`. Times are Unix seconds.

A database of their own when SQLite, so that counting never waits for a control write; beside the records in one when
PostgreSQL.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, MetaData, SmallInteger, Table

from propylon.stores.records.columns import Bytewise, Number, count_column, object_column, text_column, time_column

USAGE: Final = MetaData()
NEWEST_USAGE: Final = "0003"  # a fresh database is made from this page and stamped with it
_DIMENSIONS: Final = ("org_id", "api_id", "version", "identity", "reason", "endpoint", "tags")

_LATENCY_SUMS: Final = ("latency_us", "min_us", "max_us")  # of the buckets' middles and ends

usage = Table(
    "usage",
    USAGE,
    Column("minute", Number, primary_key=True, autoincrement=False),  # since the epoch
    *(Column(name, Bytewise, primary_key=True, server_default="") for name in _DIMENSIONS),
    Column("status", SmallInteger, primary_key=True, autoincrement=False),
    count_column("count"),
    count_column("bytes_in"),
    count_column("bytes_out"),
    object_column("latencies"),  # JSON of bucket to count
    *(count_column(name) for name in _LATENCY_SUMS),
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
        *(count_column(one) for one in ("count", "bytes_in", "bytes_out")),
        object_column("latencies"),
        *(count_column(one) for one in (*_LATENCY_SUMS, "last_minute")),
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
    time_column("at"),
    *(text_column(name) for name in ("api_id", "identity", "key_hash", "name", "method", "path")),
    Column("status", SmallInteger, nullable=False),
    text_column("reason"),
    count_column("latency_us"),
    count_column("upstream_us"),
    count_column("upstream_status"),
    text_column("client_ip"),
    Column("one_in", BigInteger, nullable=False, server_default="1"),  # how many exchanges this entry stands for
    object_column("details"),
    text_column("trace"),
    text_column("org_id"),
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
