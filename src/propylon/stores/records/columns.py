"""The kinds of columns that tables are made of."""

from sqlalchemy import BigInteger, Column, Double, Integer, Text

Number = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER may number rows there
# Compared by bytes, as SQLite does: a language's order would differ, and changes with the libraries of a machine.
Bytewise = Text().with_variant(Text(collation="C"), "postgresql")


def text_column(name: str) -> Column[str]:
    return Column(name, Bytewise, nullable=False, server_default="")


def count_column(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default="0")


def object_column(name: str) -> Column[str]:
    return Column(name, Bytewise, nullable=False, server_default="{}")


def list_column(name: str) -> Column[str]:
    return Column(name, Bytewise, nullable=False, server_default="[]")


def time_column(name: str) -> Column[float]:
    return Column(name, Double, nullable=False)
