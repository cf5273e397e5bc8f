"""Which values are masked, and what is left of them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.model.secret_names import secret_names
from propylon.usage.masking import (
    CREDENTIAL_MIN,
    MASK,
    NO_SECRETS,
    SECRETS_MAX,
    SIGNS_MAX,
    UNUSUAL_MAX,
    Masking,
    Secrets,
    TooManySecrets,
    hidden,
    hidden_in_part,
)

DEFINITION = {
    "auth": {"auth_header_name": "X-Old-Key"},
    "auth_configs": {
        "basic": {"auth_header_name": "X-Basic"},
        "hmac": {"use_param": True, "param_name": "mac"},
        "oauth": {"cookie_name": "oauth_cookie", "signature": {"header": "X-Signed"}},
    },
    "upstream_auth": {
        "oauth": {"client_credentials": {"header": {"name": "X"}}},
        "basic_auth": {"header_name": "X-Up"},
    },
    "version_data": {
        "versions": {
            "Default": {
                "global_headers": {"X-Injected": "s"},
                "global_response_headers": {"X-Told": "s"},
                "extended_paths": {"transform_headers": [{"path": "/", "add_headers": {"X-Path-Key": "s"}}]},
            }
        }
    },
}
MASKING = Masking(secret_names(DEFINITION, "appid=canary&v=1"))


@pytest.mark.parametrize(
    ("name", "value", "left"),
    [
        (b"Authorization", b"Bearer abc.def.ghi", b"Bearer ***"),
        (b"authorization", b"bearer  abc", b"bearer  ***"),
        (b"Authorization", b"Bearer", b"***"),
        (b"Authorization", b"Basic YTpi", b"Basic ***"),
        (b"Authorization", b'Signature keyId="k",signature="s"', b"Signature ***"),
        (b"Authorization", b"abc def", b"***"),
        (b"Proxy-Authorization", b"Basic YTpi", b"Basic ***"),
        (b"Cookie", b"a=1; b=2", b"***"),
        (b"Set-Cookie", b"sid=1; HttpOnly", b"***"),
        (b"X-API-Key", b"k", b"***"),
        (b"x_api_key", b"k", b"***"),
        (b"Sec-WebSocket-Protocol", b"bearer, token", b"***"),
        *((name, b"k", b"***") for name in (b"X-Old-Key", b"X-Basic", b"X-Signed", b"X-Up", b"X-Injected", b"X-Told")),
        (b"X-Path-Key", b"k", b"***"),
        (b"Accept", b"text/html; q=0.5", b"text/html; q=0.5"),
        (b"Referer", b"https://a/b?x=1&mac=s&y=2#access_token=t", b"https://a/b?x=1&mac=***&y=2#access_token=***"),
        (b"Location", b"/next?appid=canary&v=2", b"/next?appid=***&v=***"),
        (b"Location", b"https://u:p@host/", b"https://***@host/"),
        (b"Link", b"<https://a/?api_key=s>; rel=next", b"<https://a/?api_key=***>; rel=next"),
    ],
)
def test_a_header_keeps_nothing_of_a_secret(name: bytes, value: bytes, left: bytes) -> None:
    assert MASKING.field((name, value), NO_SECRETS) == (name, left)


@pytest.mark.parametrize(
    ("query", "left"),
    [
        (b"a=1&MAC=s", b"a=1&MAC=***"),
        (b"m%61c=s&b=2", b"m%61c=***&b=2"),
        (b"mac=a;b'c\"d#e", b"mac=***"),
        (b"x=1;mac=s", b"x=1;mac=***"),
        (b"mac", b"mac"),
        (b"=&&mac=&a=", b"=&&mac=***&a="),
        (b"a=b=c", b"a=b=c"),
        (b"oauth_cookie=s", b"oauth_cookie=***"),
    ],
)
def test_a_query_keeps_its_parameters_and_no_secret(query: bytes, left: bytes) -> None:
    assert MASKING.target(b"/a", query, NO_SECRETS) == b"/a?" + left


def test_a_path_without_a_query_has_none() -> None:
    assert MASKING.target(b"/a", None, NO_SECRETS) == b"/a"
    assert MASKING.target(b"/a", b"", NO_SECRETS) == b"/a?"


def test_the_texts_under_secret_names_are_found_and_those_of_others_are_not() -> None:
    fields = [(b"Authorization", b"Basic YTpwYXNzd29yZA=="), (b"Cookie", b"theme=dark; sid=0123456789")]
    found = MASKING.secrets(fields, b"mac=a%2Fb%2Bc&x=not-secret").texts
    assert {b"YTpwYXNzd29yZA==", b"a:password", b"password", b"0123456789", b"a/b+c", b"a%2Fb%2Bc"} <= set(found)
    assert not {b"dark", b"not-secret"} & set(found)
    assert found == sorted(found, key=len, reverse=True)


@pytest.mark.parametrize(
    "written",
    [
        b"abc/b+c&d==",
        b"abc\\/b+c&d==",
        b"abc\\\\/b\\u002bc\\u0026d\\u003D\\u003d",
        b"abc%2Fb%2bc%26d%3D%3D",
        b"abc%252Fb%252Bc%2526d%253D%253D",
        b"abc&#x2F;b&#43;c&amp;d&#x3D;=",
    ],
)
def test_a_credential_is_found_however_json_html_or_a_url_write_it(written: bytes) -> None:
    secrets = MASKING.secrets([(b"Authorization", b"abc/b+c&d==")], b"")
    assert hidden(b"<" + written + b">", secrets) == b"<***>"


def test_more_than_can_be_looked_for_is_said() -> None:
    cookies = b"; ".join(b"c%d=abcdefgh%d" % (number, number) for number in range(SECRETS_MAX + 1))
    with pytest.raises(TooManySecrets):
        MASKING.secrets([(b"Cookie", cookies)], b"")


def test_a_credential_that_cannot_be_looked_for_is_said_where_a_part_of_it_turns_up() -> None:
    secrets = MASKING.secrets([(b"X-API-Key", b"part" + b"+" * (UNUSUAL_MAX + 1))], b"")
    assert hidden(b"another text", secrets) == b"another text"
    with pytest.raises(TooManySecrets):
        hidden(b"a part of it", secrets)


@pytest.mark.parametrize("sign", [b"=", b"&", b";", b"?", b"#", b"://"])
def test_more_signs_than_can_be_looked_at_are_said(sign: bytes) -> None:
    assert MASKING.secrets([(b"Referer", sign * SIGNS_MAX)], b"") == NO_SECRETS
    for fields, query in (([(b"Referer", sign * (SIGNS_MAX + 1))], b""), ([], sign * (SIGNS_MAX + 1))):
        with pytest.raises(TooManySecrets):
            MASKING.secrets(fields, query)


@given(st.binary(max_size=200), st.binary(max_size=60), st.binary(max_size=200))
def test_whatever_is_sent_a_credential_is_not_in_what_is_left(before: bytes, secret: bytes, after: bytes) -> None:
    with contextlib.suppress(TooManySecrets):
        secrets = MASKING.secrets([(b"X-API-Key", secret), (b"Authorization", b"Basic " + secret)], b"mac=" + secret)
        left = hidden(before + secret + after, secrets)
        assert len(secret) < CREDENTIAL_MIN or secret not in left.replace(MASK, b" ")
        MASKING.target(before, after, secrets)
        MASKING.field((b"Location", before + after), secrets)


def test_a_secret_is_hidden_wherever_it_stands_and_in_part_where_a_text_ends_inside_it() -> None:
    secrets = Secrets([b"abcdefgh"], [])
    assert hidden(b"1abcdefgh2abcdefgh", secrets) == b"1***2***"
    assert hidden_in_part(b"1abcdefgh2abcdefg", secrets) == b"1***2***"
    assert hidden_in_part(b"abcabcd", secrets) == b"abc" + MASK
    assert hidden_in_part(b"1ab", secrets) == b"1ab", "two letters are no part that tells anything"
    assert hidden_in_part(b"", secrets) == b""
    assert hidden_in_part(b"ababab", Secrets([b"abababc"], [])) == MASK, "the longest part"
    assert hidden_in_part(b"xabcdefgh"[:-1], secrets) == b"x" + MASK


@given(st.text("ab", min_size=3, max_size=12), st.text("ab", max_size=20))
def test_a_text_never_ends_with_a_beginning_of_a_secret(secret: str, before: str) -> None:
    secrets = Secrets([secret.encode()], [])
    for size in range(3, len(secret)):
        left = hidden_in_part(before.encode() + b"." + secret[:size].encode(), secrets)
        assert left.endswith(b"." + MASK) or secret.encode() in before.encode() + b"." + secret[:size].encode()
