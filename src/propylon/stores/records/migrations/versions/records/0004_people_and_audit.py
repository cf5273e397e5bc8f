"""People: organisations, users, groups, who is signed in; and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, default: str = "") -> "sa.Column[str]":
    return sa.Column(name, TEXT, server_default=default, nullable=False)


def _time(name: str) -> "sa.Column[float]":
    return sa.Column(name, sa.Double(), server_default="0", nullable=False)


def upgrade() -> None:
    op.add_column("organisations", sa.Column("body", TEXT, server_default="{}", nullable=False))
    op.add_column("organisations", sa.Column("created_at", sa.Double(), server_default="0", nullable=False))
    op.add_column("organisations", sa.Column("updated_at", sa.Double(), server_default="0", nullable=False))
    _users()
    _groups()
    _sign_ins()
    _audit()


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("id", TEXT, nullable=False),
        *(_text(name) for name in ("org_id", "email", "first_name", "last_name", "group_id")),
        _text("permissions", "{}"),
        sa.Column("active", sa.SmallInteger(), server_default="1", nullable=False),
        _text("password_hash"),
        sa.Column("must_change_password", sa.SmallInteger(), server_default="0", nullable=False),
        _text("access_key_hash"),
        *(_time(name) for name in ("created_at", "updated_at", "password_changed_at", "last_login_at")),
        _text("last_login_address"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("org_id", "email", name="user_once"),
    )
    op.create_index("users_by_email", "users", ["email"])
    op.create_index("users_by_group", "users", ["group_id"])
    op.create_index("users_by_access_key", "users", ["access_key_hash"])


def _groups() -> None:
    op.create_table(
        "user_groups",
        sa.Column("id", TEXT, nullable=False),
        *(_text(name) for name in ("org_id", "name", "description")),
        _text("permissions", "{}"),
        *(_time(name) for name in ("created_at", "updated_at")),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("org_id", "name", name="user_group_once"),
    )


def _sign_ins() -> None:
    op.create_table(
        "sign_ins",
        sa.Column("token_hash", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        *(_time(name) for name in ("created_at", "last_seen_at", "expires_at")),
        *(_text(name) for name in ("address", "user_agent")),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("sign_ins_by_user", "sign_ins", ["user_id", "created_at"])
    op.create_index("sign_ins_by_end", "sign_ins", ["expires_at"])


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        _time("at"),
        *(_text(name) for name in ("actor_kind", "actor", "actor_label", "address", "action", "object", "org_id")),
        *(_text(name) for name in ("before", "after")),
        _text("fields", "[]"),
        sa.Column("times", sa.BigInteger(), server_default="1", nullable=False),
        _text("chain"),
        sa.PrimaryKeyConstraint("number"),
    )
    columns = {"org": "org_id", "object": "object", "actor": "actor", "label": "actor_label", "address": "address"}
    for name, column in columns.items():
        op.create_index(f"audit_by_{name}", "audit", [column, "number"])
    op.create_index("audit_by_time", "audit", ["at"])
    op.create_table(
        "audit_end",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        *(_text(name) for name in ("chain", "mark")),
        sa.PrimaryKeyConstraint("name"),
    )
