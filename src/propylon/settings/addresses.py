"""Addresses as settings write them: where to listen, and the networks that are trusted. Opens and resolves nothing."""

import ipaddress
from typing import NamedTuple

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Address(NamedTuple):
    """Where to listen."""

    host: str  # an IP address without brackets, or "localhost"
    port: int  # 0 lets the operating system choose

    @property
    def is_loopback(self) -> bool:
        return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """host:port; raises ValueError with the remedy. Names are not resolved: a name could mean another address later."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ValueError("write host:port with a port from 0 to 65535, such as 127.0.0.1:8080 or [::1]:8080")
    if host == "localhost":
        return Address(host, int(port))
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        version = ipaddress.ip_address(bare).version
    except ValueError:
        raise ValueError("the host must be an IP address or localhost; 0.0.0.0 or [::] means every address") from None
    if (version == 6) != (bare != host):
        raise ValueError("brackets stand around an IPv6 host and no other: [::1]:8080, 127.0.0.1:8080")
    return Address(bare, int(port))


def parse_networks(given: object) -> object:
    """Texts, or one comma-separated text (the environment's form), to networks; anything else is left to be refused."""
    texts = [text.strip() for text in given.split(",") if text.strip()] if isinstance(given, str) else given
    if not isinstance(texts, list):
        return given
    try:
        return tuple(ipaddress.ip_network(text) for text in texts)
    except ValueError as error:
        raise ValueError(f"{error}; write networks such as 10.0.0.0/8 or fd00::/8") from None
