"""Tokens are read strictly, before anything in them is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.jose.token import KID_MAX_BYTES, TOKEN_MAX_BYTES, Token, parse_token
from tests.jose.raw_tokens import Part, base64url, raw_token

GOOD = raw_token({"alg": "HS256", "kid": "aaa-bbb-999"}, {"sub": "anna"})
HEADER, PAYLOAD, SIGNATURE = GOOD.split(".")


def test_a_token_is_taken_apart() -> None:
    token = parse_token(GOOD)
    assert isinstance(token, Token)
    assert (token.alg, token.kid, token.payload) == ("HS256", "aaa-bbb-999", b'{"sub": "anna"}')
    assert (token.header, len(token.signature)) == ({"alg": "HS256", "kid": "aaa-bbb-999"}, 32)
    assert token.signing_input == f"{HEADER}.{PAYLOAD}".encode()


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "..", "...", HEADER, f"{HEADER}.{PAYLOAD}", f"{GOOD}.", f".{GOOD}", f"{GOOD}.{SIGNATURE}"),
        *(f"{GOOD}.a.b", ".".join("a" * 1000), "." * 999, f"{HEADER}..{SIGNATURE}."),
        f'{{"protected":"{HEADER}","payload":"{PAYLOAD}","signature":"{SIGNATURE}"}}',
        f"{HEADER}.{PAYLOAD}.{SIGNATURE[:-1]}ü",
    ],
)
def test_anything_but_three_segments_is_malformed(text: str) -> None:
    assert parse_token(text) == "jwt_malformed"


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(
    "spoil", ["{} ", " {}", "{}=", "{}==", "{}\n", "{}\t", "{}\0", "+{}", "/{}", "{}+", "{}/A", "a={}"]
)
def test_a_segment_has_no_other_spelling(place: int, spoil: str) -> None:
    segments = [HEADER, PAYLOAD, SIGNATURE]
    segments[place] = spoil.format(segments[place])
    assert parse_token(".".join(segments)) == "jwt_malformed"


@pytest.mark.parametrize("data", [b'{"alg":"a" }', b'{"alg":"a"  }'])
def test_unused_bits_at_the_end_must_be_zero(data: bytes) -> None:
    segment = base64url(data)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    same_bytes = segment[:-1] + alphabet[alphabet.index(segment[-1]) + 1]
    assert isinstance(parse_token(f"{segment}.e30."), Token)
    assert parse_token(f"{same_bytes}.e30.") == "jwt_malformed"


@pytest.mark.parametrize(
    "header",
    [
        *(b"", b"[]", b"null", b"1", b'"HS256"', b"{}", b'{"alg":null}', b'{"alg":1}', b'{"alg":[]}', b'{"alg":{}}'),
        *(
            b'{"alg":"HS256","alg":"HS256"}',
            b'{"alg":"none","\\u0061lg":"HS256"}',
            b'{"alg":"HS256"',
            b'{"alg":"\xff"}',
        ),
        *(b'{"Alg":"HS256"}', b'{"alg":"HS256","x":' + b"[" * 5000, b'{"alg":"HS256","x":' + b"1" * 5000 + b"}"),
    ],
)
def test_a_header_is_one_clear_object_with_an_algorithm(header: bytes) -> None:
    assert parse_token(raw_token(header, b"{}")) == "jwt_malformed"


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        ({"crit": ["exp"]}, "jwt_crit"),
        ({"crit": ["b64"], "b64": False}, "jwt_crit"),
        ({"crit": []}, "jwt_crit"),
        ({"crit": None}, "jwt_crit"),
        ({"b64": False}, "jwt_header_unsupported"),
        ({"b64": 0}, "jwt_header_unsupported"),
        ({"b64": None}, "jwt_header_unsupported"),
        ({"zip": "DEF"}, "jwt_header_unsupported"),
        ({"enc": "A256GCM"}, "jwt_header_unsupported"),
        ({"kid": None}, "jwt_kid_invalid"),
        ({"kid": 7}, "jwt_kid_invalid"),
        ({"kid": ["a"]}, "jwt_kid_invalid"),
        ({"kid": "ü" * (KID_MAX_BYTES // 2) + "a"}, "jwt_kid_invalid"),
    ],
)
def test_header_members_that_change_the_meaning_are_refused(member: dict[str, object], reason: str) -> None:
    assert parse_token(raw_token({"alg": "HS256"} | member, b"{}")) == reason


@pytest.mark.parametrize(
    "kid", ["", "../../dev/null", "' OR 1=1 --", "|cmd", "a\r\nSet-Cookie: x", "\0", "k" * KID_MAX_BYTES]
)
def test_a_kid_is_data_and_comes_out_as_it_went_in(kid: str) -> None:
    token = parse_token(raw_token({"alg": "HS256", "kid": kid}, b"{}"))
    assert isinstance(token, Token)
    assert token.kid == kid


@pytest.mark.parametrize("header", [{"alg": "HS256"}, {"alg": "HS256", "b64": True, "typ": "at+jwt", "cty": "x"}])
def test_a_token_without_a_kid_has_none(header: Part) -> None:
    token = parse_token(raw_token(header, b"{}"))
    assert isinstance(token, Token)
    assert token.kid is None


@pytest.mark.parametrize("text", ["a" * (TOKEN_MAX_BYTES + 1), "\U0001f600" * 5_000_000, "." * 5_000_000])
def test_what_is_too_large_is_not_even_decoded(text: str) -> None:
    assert parse_token(text) == "jwt_too_large"


def test_the_limit_is_inclusive() -> None:
    assert isinstance(parse_token(GOOD, len(GOOD)), Token)
    assert parse_token(GOOD, len(GOOD) - 1) == "jwt_too_large"


@given(st.text() | st.text(alphabet="eyJ0AQ-_.=+/ ").map(lambda text: f"{HEADER}.{text}"))
def test_no_text_makes_it_raise(text: str) -> None:
    assert isinstance(parse_token(text), Token | str)
