"""Which fields end at this hop, and which may not be taken from a stranger. Names only, in lower case."""

from typing import Final, NamedTuple

from propylon.errors import Failure

# proxy.md §4. TE is dropped even as `trailers`: trailers do not travel through us.
HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
FORWARDED_NAMES: Final = frozenset({b"forwarded", b"x-real-ip", b"x_real_ip", b"x-real_ip", b"x_real-ip"})
_FORWARDED_PREFIX: Final = b"x-forwarded"

# What a Connection field says about the connection itself, or cannot make hop-by-hop: dropping those fields at a
# client's word would change the framing or the host of what we send.
_NOT_NAMES: Final = frozenset(
    {b"close", b"keep-alive", b"upgrade", b"content-length", b"transfer-encoding", b"host", b"te", b"trailer"}
)
_TOKEN_CHARACTERS: Final = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"


class ConnectionOptions(NamedTuple):
    """What a Connection field says (RFC 9110 §7.6.1)."""

    options: frozenset[bytes]  # all of them, in lower case
    names: frozenset[bytes]  # fields they make hop-by-hop, beyond those that always are


NO_OPTIONS: Final = ConnectionOptions(frozenset(), frozenset())
_USUAL: Final = {
    value: ConnectionOptions(frozenset(value.lower().split(b", ")), frozenset())
    for value in (b"keep-alive", b"Keep-Alive", b"close", b"upgrade", b"Upgrade", b"keep-alive, Upgrade")
}


def is_forwarding_field(name_lower: bytes) -> bool:
    """True for what tells an upstream who the client is, in any spelling that some upstream reads as one."""
    if name_lower[:1] not in b"xf":
        return False
    return name_lower in FORWARDED_NAMES or name_lower.replace(b"_", b"-").startswith(_FORWARDED_PREFIX)


def connection_options(value: bytes, failure: type[Failure]) -> ConnectionOptions:
    """Of all Connection values of a head, joined by commas; raises `failure` for what is no token."""
    usual = _USUAL.get(value)
    if usual is not None:
        return usual
    options = frozenset(option.strip() for option in value.lower().split(b",")) - {b""}
    if any(option.translate(None, _TOKEN_CHARACTERS) for option in options):
        raise failure("Connection is not a list of tokens")
    return ConnectionOptions(options, options - _NOT_NAMES)
