"""Which URLs a key set may have, before anything is resolved."""

import pytest

from propylon.model.key_set_url import URL_MAX_BYTES, url_trouble


@pytest.mark.parametrize(
    "url", ["https://idp.example/keys", "HTTPS://idp.example:8443/keys?p=x", "https://[2001:db8::1]/"]
)
def test_an_https_url_may_be_fetched(url: str) -> None:
    assert url_trouble(url) == ""


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "is no https URL"),
        ("idp.example/keys", "is no https URL"),
        ("file:///etc/passwd", "is no https URL"),
        ("ftp://idp.example/keys", "is no https URL"),
        ("data:application/json,{}", "is no https URL"),
        ("https:///keys", "is no https URL"),
        ("https://idp.example:port/", "is no URL"),
        ("https://[::1/", "is no URL"),
        ("https://user:password@idp.example/", "user name"),
        ("https://idp.example/a b", "blanks"),
        ("https://idp.example/\r\nHost: x", "blanks"),
        ("https://idp.éxample/", "blanks"),
        ("https://idp.example/" + "x" * URL_MAX_BYTES, "longer"),
        ("http://idp.example/keys", "plain http"),
    ],
)
def test_any_other_is_refused_with_its_remedy(url: str, says: str) -> None:
    assert says in url_trouble(url)


def test_plain_http_may_be_allowed_and_nothing_else_is_with_it() -> None:
    assert url_trouble("http://127.0.0.1:8000/keys", allow_insecure=True) == ""
    assert url_trouble("file:///etc/passwd", allow_insecure=True)
