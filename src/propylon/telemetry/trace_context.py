"""W3C Trace Context: where a client's request stands in a trace, and how that is said to an upstream. Bytes only.

OpenTelemetry's own reader takes the first of several `traceparent`s for the one, and writes a line of the log for each
field that is not well-formed, which any client could make it do as often as it likes.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

PARENT: Final = b"traceparent"
STATE: Final = b"tracestate"
SAMPLED: Final = 1
RANDOM: Final = 2  # the trace id is (Trace Context Level 2 §2.2.3.2)
STATE_MAX_BYTES: Final = 512  # "at least 512 characters" are propagated (§3.3.1.5)
STATE_MEMBERS_MAX: Final = 32  # (§3.3.1.1)
STATE_MEMBER_LONG_BYTES: Final = 128  # longer ones go first where the whole is too long (§3.3.1.5)

_PARENT: Final = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_MEMBER: Final = re.compile(
    rb"([a-z0-9][a-z0-9_\-*/@]{0,255})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)


class Place(NamedTuple):
    """A place in a trace; of a client's, `span_id` is its span."""

    trace_id: bytes  # 32 digits
    span_id: bytes  # 16 digits
    flags: int
    state: bytes  # the value of `tracestate` as it travels on, b"" for none

    @property
    def is_sampled(self) -> bool:
        return bool(self.flags & SAMPLED)


def parse(parents: Sequence[bytes], states: Sequence[bytes]) -> Place | None:
    """From the values of both fields; None where a new trace begins, and then the state is nobody's (§4.3)."""
    if len(parents) != 1 or (found := _PARENT.fullmatch(parents[0])) is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == b"ff" or (version == b"00" and more is not None):  # a version to come may say more (§3.2.4)
        return None
    if not trace_id.strip(b"0") or not span_id.strip(b"0"):
        return None
    return Place(trace_id, span_id, int(flags, 16) & (SAMPLED | RANDOM), _state(states) if states else b"")


def parent_value(trace_id: bytes, span_id: bytes, flags: int) -> bytes:
    """The value of `traceparent` that names a span of ours."""
    return b"00-%b-%b-%02x" % (trace_id, span_id, flags)


def _state(values: Sequence[bytes]) -> bytes:
    """One line of several (RFC 9110 §5.3); b"" for what is not well-formed."""
    members = [member for piece in b",".join(values).split(b",") if (member := piece.strip(b" \t"))]
    keys = {found[1] for member in members if (found := _MEMBER.fullmatch(member))}
    if len(keys) != len(members) or len(members) > STATE_MEMBERS_MAX:  # malformed, or a key came twice
        return b""
    joined = b",".join(members)
    if len(joined) <= STATE_MAX_BYTES:
        return joined
    kept = [member for member in members if len(member) <= STATE_MEMBER_LONG_BYTES]
    while len(b",".join(kept)) > STATE_MAX_BYTES:
        kept.pop()
    return b",".join(kept)
