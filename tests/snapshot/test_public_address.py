"""Addresses that may be asked for an issuer's keys, and those that may not (SSRF)."""

import pytest

from propylon.snapshot.public_address import is_public


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"]
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "::1", "::"),
        *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fd00::1", "fec0::1"),
        *("169.254.169.254", "169.254.1.1", "fe80::1", "fe80::1%eth0", "fd00:ec2::254"),
        *("224.0.0.1", "255.255.255.255", "240.0.0.1", "ff02::1"),
        *("192.0.2.1", "198.18.0.1", "203.0.113.9", "2001:db8::1", "2001::1", "100::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
        *("2002:7f00:1::1", "2002:a00:1::1", "64:ff9b:1::1"),
    ],
)
def test_addresses_within_and_those_that_stand_for_them_are_not(address: str) -> None:
    assert not is_public(address)
