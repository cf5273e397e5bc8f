"""Which bytes may name a host: `host[:port]` of a Host field or an absolute-form target. No look-up of any kind."""

import re
from typing import Final

from propylon.errors import MalformedRequest

# A registered name in the letters that names really have, or an IPv6 address in brackets (RFC 3986 §3.2.2). No
# userinfo, no percent-escapes, no empty port: each is a way to make two readers see two hosts.
_HOST_PORT: Final = re.compile(rb"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?")
HOST_MAX_BYTES: Final = 255 + 6  # a DNS name and a port
PORT_MAX: Final = 65535


HOSTS_MAX: Final = 1024  # remembered: a process serves few names, and judging one anew costs 0.3 µs

_known: dict[bytes, str] = {}


def host_text(raw: bytes) -> str:
    """The host in lower case, with its port if it has one."""
    known = _known.get(raw)
    return known if known is not None else _judge(raw)


def _judge(raw: bytes) -> str:
    match = _HOST_PORT.fullmatch(raw)
    if match is None or len(raw) > HOST_MAX_BYTES or (match[1] is not None and int(match[1]) > PORT_MAX):
        raise MalformedRequest("Host is not host[:port]")
    host = raw.decode("ascii").lower()
    if len(_known) < HOSTS_MAX:
        _known[raw] = host
    return host
