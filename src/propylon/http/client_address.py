"""Who the client is: the one function for usage, audit, logs, explain and upstream fields (design §4)."""

import ipaddress
from collections.abc import Sequence
from typing import NamedTuple

from propylon.http.messages import RequestHead

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ClientAddress(NamedTuple):
    ip: str
    peer_trusted: bool


class TrustedProxies:
    """The peers whose X-Forwarded-For is believed."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)

    def stranger(self, peer_ip: str) -> ClientAddress | None:
        """Who the client of a connection is, whatever its requests say; None when they are to be asked."""
        return None if self._trusts(peer_ip) else ClientAddress(peer_ip, peer_trusted=False)

    def client(self, peer_ip: str, head: RequestHead) -> ClientAddress:
        """As `client_behind`, of a request whose head was read here."""
        return self.client_behind(peer_ip, head.values(b"x-forwarded-for"))

    def client_behind(self, peer_ip: str, forwarded_for: Sequence[bytes]) -> ClientAddress:
        """The socket peer unless it is trusted; then the right-most X-Forwarded-For entry that is not.

        An entry that is no IP address ends the walk: what stands left of it was written by nobody we know.
        """
        if (stranger := self.stranger(peer_ip)) is not None:
            return stranger
        client = peer_ip
        for entry in reversed(b",".join(forwarded_for).split(b",")):
            address = address_of(entry.strip().decode("latin-1"))
            if address is None:
                break
            client = address
            if not self._trusts(client):
                break
        return ClientAddress(client, peer_trusted=True)

    def _trusts(self, ip: str) -> bool:
        if not self._networks:
            return False
        address = ipaddress.ip_address(ip)
        return any(address in network for network in self._networks)


def address_of(text: str) -> str | None:
    """An address in its usual form, None for what is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)


def counted_as(ip: str) -> str:
    """As what an address is counted by whatever bounds guesses: one IPv6 host has a whole /64 to guess from."""
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ":" in ip else ip
