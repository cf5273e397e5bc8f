"""The tables of people and of what everybody did: users, their groups, who is signed in, the audit log.

Beside `tables.py`, in the same database. Passwords stand here as argon2id, access keys and the tokens of who is signed
in as keyed hashes: nothing here lets anybody in.
"""

from sqlalchemy import BigInteger, Column, Double, Index, SmallInteger, Table, UniqueConstraint

from propylon.stores.records.columns import Bytewise, Number
from propylon.stores.records.tables import RECORDS as RECORDS


def _text(name: str) -> Column[str]:
    return Column(name, Bytewise, nullable=False, server_default="")


def _time(name: str) -> Column[float]:
    """0: never."""
    return Column(name, Double, nullable=False, server_default="0")


def _flag(name: str, default: str) -> Column[int]:
    return Column(name, SmallInteger, nullable=False, server_default=default)


users = Table(
    "users",
    RECORDS,
    Column("id", Bytewise, primary_key=True),  # 24 hex digits, never reused
    _text("org_id"),
    _text("email"),  # in lower case
    _text("first_name"),
    _text("last_name"),
    _text("group_id"),
    Column("permissions", Bytewise, nullable=False, server_default="{}"),
    _flag("active", "1"),
    _text("password_hash"),  # "": nobody signs in with a password
    _flag("must_change_password", "0"),
    _text("access_key_hash"),  # "": there is none
    _time("created_at"),
    _time("updated_at"),
    _time("password_changed_at"),
    _time("last_login_at"),
    _text("last_login_address"),
    UniqueConstraint("org_id", "email", name="user_once"),
    Index("users_by_email", "email"),
    Index("users_by_group", "group_id"),
    Index("users_by_access_key", "access_key_hash"),
)

user_groups = Table(
    "user_groups",
    RECORDS,
    Column("id", Bytewise, primary_key=True),
    _text("org_id"),
    _text("name"),
    _text("description"),
    Column("permissions", Bytewise, nullable=False, server_default="{}"),
    _time("created_at"),
    _time("updated_at"),
    UniqueConstraint("org_id", "name", name="user_group_once"),
)

# Who is signed in. A row goes when it ends; what remains of it is in the audit log.
sign_ins = Table(
    "sign_ins",
    RECORDS,
    Column("token_hash", Bytewise, primary_key=True),
    Column("user_id", Bytewise, nullable=False),
    _time("created_at"),
    _time("last_seen_at"),
    _time("expires_at"),
    _text("address"),
    _text("user_agent"),
    Index("sign_ins_by_user", "user_id", "created_at"),
    Index("sign_ins_by_end", "expires_at"),
)

# Who did what. Entries are added and never changed or removed (docs/decisions/0013-audit-chain.md).
audit = Table(
    "audit",
    RECORDS,
    Column("number", Number, primary_key=True, autoincrement=False),
    _time("at"),
    _text("actor_kind"),
    _text("actor"),
    _text("actor_label"),
    _text("address"),
    _text("action"),
    _text("object"),
    _text("org_id"),
    _text("before"),
    _text("after"),
    Column("fields", Bytewise, nullable=False, server_default="[]"),
    Column("times", BigInteger, nullable=False, server_default="1"),
    _text("chain"),
    Index("audit_by_org", "org_id", "number"),
    Index("audit_by_object", "object", "number"),
    Index("audit_by_actor", "actor", "number"),
    Index("audit_by_label", "actor_label", "number"),
    Index("audit_by_address", "address", "number"),
    Index("audit_by_time", "at"),
)

# How far the audit log goes: without it, an end that was cut off could not be told from one that never was.
audit_end = Table(
    "audit_end",
    RECORDS,
    Column("name", Bytewise, primary_key=True),
    Column("number", BigInteger, nullable=False),
    _text("chain"),
    _text("mark"),
)
