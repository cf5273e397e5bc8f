"""As what an address is counted by whatever bounds guesses."""

import ipaddress


def counted_as(client_ip: str) -> str:
    """One IPv6 host has a whole /64 to guess from."""
    try:
        address = ipaddress.ip_address(client_ip)
    except ValueError:
        return client_ip
    return str(ipaddress.ip_network((client_ip, 64), strict=False)) if address.version == 6 else client_ip
