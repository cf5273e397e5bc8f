"""Which addresses are of the public internet, and so may be asked for an issuer's keys. Resolves no name."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

_UNICAST: Final = IPv6Network("2000::/3")  # RFC 4291 §2.4: what of IPv6 is given out
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052: the IPv4 address is the last four bytes


def is_public(text: str) -> bool:
    """False for loopback, private, link-local, metadata (169.254.169.254), multicast, reserved and unspecified ones.

    An IPv6 address that stands for an IPv4 one is judged by that.
    """
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        inner = _inner(address)
        if inner is None:
            return address in _UNICAST and address.is_global
        address = inner
    return address.is_global and not address.is_multicast


def address_trouble(url: str) -> str:
    """Why nothing may be fetched from a URL that has an address in the place of a name, "" for names."""
    try:
        is_within = not is_public(urlsplit(url).hostname or "")
    except ValueError:  # a name
        return ""
    return "is at an address within; correct it, or set allow_insecure_jwks" if is_within else ""


def _inner(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour
