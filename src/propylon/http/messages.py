"""Heads as values. Made by the readers, frozen by convention: nobody writes to them afterwards.

Plain slotted classes, not frozen dataclasses: making one costs 0.3 µs instead of 1.4 µs, on every request.
"""

from typing import Final, Literal

Field = tuple[bytes, bytes]  # name as it was written, value without surrounding blanks

END: Final = None  # the event after the last body piece


class RequestHead:
    """One request's line and fields, judged and safe to act on: framing unambiguous, path in its one normal form."""

    __slots__ = (
        "body_length",
        "connection_names",
        "expects_continue",
        "fields",
        "host",
        "keep_alive",
        "method",
        "path",
        "query",
        "repeated",
        "upgrade",
        "values",
        "version_minor",
    )

    method: str
    path: str  # normal form, ASCII, percent-escapes kept; this form is matched and sent
    query: str | None  # raw, without "?"; None when the target had none
    host: str  # lower case, with port when given; from the absolute-form target when that was used
    fields: list[Field]  # in order, as received
    values: dict[bytes, bytes]  # lower-case name -> first value
    repeated: frozenset[bytes]  # lower-case names that came more than once
    connection_names: frozenset[bytes]  # lower-case names the Connection field lists, hop by hop
    body_length: int | None  # 0 = none, None = chunked
    keep_alive: bool
    expects_continue: bool
    upgrade: bytes  # lower-case protocol of an Upgrade that may become a tunnel, else b""
    version_minor: Literal[0, 1]

    def all_values(self, name: bytes) -> list[bytes]:
        """Every value of a field, by lower-case name, in order."""
        if name not in self.repeated:
            value = self.values.get(name)
            return [] if value is None else [value]
        return [value for field, value in self.fields if field.lower() == name]


class ResponseHead:
    """An upstream's final answer line and fields (1xx answers other than 101 never become one)."""

    __slots__ = ("body_length", "connection_names", "fields", "keep_alive", "reason", "status", "until_close", "values")

    status: int
    reason: bytes
    fields: list[Field]
    values: dict[bytes, bytes]
    connection_names: frozenset[bytes]
    body_length: int | None  # 0 = none, None = chunked or until close
    until_close: bool  # the body ends with the connection
    keep_alive: bool  # the connection may serve another request after this body
