import pytest

from propylon.settings.addresses import Address, parse_address


@pytest.mark.parametrize(
    ("text", "address", "loopback"),
    [
        ("127.0.0.1:8080", Address("127.0.0.1", 8080), True),
        ("localhost:0", Address("localhost", 0), True),
        ("[::1]:65535", Address("::1", 65535), True),
        ("0.0.0.0:80", Address("0.0.0.0", 80), False),
        ("[::]:80", Address("::", 80), False),
    ],
)
def test_an_address_is_read_written_and_known_as_loopback(text: str, address: Address, loopback: bool) -> None:
    parsed = parse_address(text)
    assert (parsed, str(parsed), parsed.is_loopback) == (address, text, loopback)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        (":8080", "0.0.0.0"),
        ("127.0.0.1", "host:port"),
        ("127.0.0.1:http", "host:port"),
        ("127.0.0.1:65536", "0 to 65535"),
        ("127.0.0.1:-1", "0 to 65535"),
        ("127.0.0.1:٨", "0 to 65535"),
        ("::1:8080", "brackets"),
        ("[127.0.0.1]:8080", "brackets"),
        ("gateway.example:8080", "must be an IP address"),
    ],
)
def test_an_address_that_could_mean_something_else_is_refused_with_the_remedy(text: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy.replace(".", r"\.")):
        parse_address(text)
