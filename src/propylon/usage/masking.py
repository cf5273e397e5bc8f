"""Takes secrets out of what is recorded: first by the names they travel under, then wherever their own text turns up.

An upstream may write a credential into a redirect, a header or a page; so the texts that stood under secret names are
looked for in everything else. What is left of one is `***`, with the scheme before it, and never a part of it. Pure.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

from propylon.http.messages import Field
from propylon.model.upstream_headers import spelling_of

MASK: Final = b"***"
CREDENTIAL_MIN: Final = 3  # bytes of what is looked for; shorter key IDs are refused (`min_token_length`)
COOKIE_MIN: Final = 8  # of a cookie that no API reads: shorter ones are words such as `dark`
SECRETS_MAX: Final = 64  # texts to look for in one exchange
UNUSUAL_MAX: Final = 32  # characters of one that may be written otherwise, where it may be written so
SIGNS_MAX: Final = 2_048  # `=`, `&` and the like in one exchange, each of which may begin something to be looked at

_SCHEME: Final = re.compile(rb"(?i)(?:bearer|basic|digest|negotiate|ntlm|hoba|mutual|signature|token|apikey) +")
_BASIC: Final = re.compile(rb"(?i)basic +")
_PARAMETER: Final = re.compile(rb"(?:^|[?&;#])([^=&;#?\s]*)=")
_REST_OF_QUERY: Final = re.compile(rb"[^&]*")
_REST_IN_FIELD: Final = re.compile(rb"[^&#\s\"<>]*")
_UNUSUAL: Final = re.compile(rb"[^A-Za-z0-9._~-]")  # RFC 3986 §2.3: the others are never escaped
_CHARACTER: Final = re.compile(rb"(?s).")
_SIGNS: Final = (b"=", b"&", b";", b"?", b"#", b"://")
_USER_INFO: Final = re.compile(rb"://[^/?#@\s]*@")


class Secrets(NamedTuple):
    """Of one exchange."""

    texts: list[bytes]  # the longest first
    # Those that JSON, HTML or a URL would write otherwise, each with a part of it that none of them would.
    unusual: list[tuple[bytes, bytes]]


NO_SECRETS: Final = Secrets([], [])


class TooManySecrets(ValueError):
    """More than can be looked for: what they are in must not be kept."""


class Masking:
    """Of one API: `names` are those of model/secret_names.py."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def secrets(self, fields: Iterable[Field], query: bytes) -> Secrets:
        """The texts under secret names, and how they may be written elsewhere. Raises TooManySecrets."""
        fields = list(fields)
        if sum(text.count(sign) for text in (query, *(value for _, value in fields)) for sign in _SIGNS) > SIGNS_MAX:
            raise TooManySecrets
        found: set[bytes] = set()
        for text in (*self._in_fields(fields), *self._in_query(query)):
            found |= _spelled(text)
            if len(found) > SECRETS_MAX:
                raise TooManySecrets
        texts = sorted(found, key=len, reverse=True)
        return Secrets(texts, [(_anchor(one), one) for one in texts if _UNUSUAL.search(one)])

    def field(self, field: Field, secrets: Secrets) -> Field:
        name, value = field
        if self._is_secret(name):
            return name, _scheme(value) + MASK
        value = self._parameters(value, _REST_IN_FIELD)
        return name, hidden(_USER_INFO.sub(b"://***@", value), secrets)

    def target(self, path: bytes, query: bytes | None, secrets: Secrets) -> bytes:
        """Of a request line."""
        if query is None:
            return hidden(path, secrets)
        return hidden(path, secrets) + b"?" + hidden(self._parameters(query, _REST_OF_QUERY), secrets)

    def _is_secret(self, name: bytes) -> bool:
        return spelling_of(name.decode("latin-1")) in self._names

    def _parameters(self, text: bytes, rest: "re.Pattern[bytes]") -> bytes:
        """With the values of secret parameters, of every URL in it, masked; `rest` is what belongs to a value."""
        kept, at = [], 0
        for match in _PARAMETER.finditer(text):
            if match.start() >= at and self._is_secret(unquote_to_bytes(match[1].replace(b"+", b" "))):
                kept += [text[at : match.end()], MASK]
                at = _end(rest, text, match.end())
        return b"".join(kept) + text[at:]

    def _in_fields(self, fields: Iterable[Field]) -> Iterator[bytes]:
        for name, value in fields:
            lower = name.lower()
            if lower == b"cookie":
                yield from self._in_cookies(value.split(b";"))
            elif lower == b"set-cookie":
                yield from self._in_cookies(value.split(b";", 1)[:1])
            elif self._is_secret(name):
                text = value[len(_scheme(value)) :]
                yield from _credentials(text)
                if _BASIC.match(value):
                    yield from _of_basic(text)

    def _in_cookies(self, pairs: Iterable[bytes]) -> Iterator[bytes]:
        for pair in pairs:
            name, _, value = pair.strip().partition(b"=")
            if len(value) >= (CREDENTIAL_MIN if self._is_secret(name) else COOKIE_MIN):
                yield value

    def _in_query(self, query: bytes) -> Iterator[bytes]:
        for match in _PARAMETER.finditer(query):
            if self._is_secret(unquote_to_bytes(match[1].replace(b"+", b" "))):
                value = query[match.end() : _end(_REST_OF_QUERY, query, match.end())]
                text = unquote_to_bytes(value.replace(b"+", b" "))
                yield from (*_credentials(value), *_credentials(text[len(_scheme(text)) :]))


def hidden(text: bytes, secrets: Secrets) -> bytes:
    """Without those texts. Raises TooManySecrets. To make an expression takes milliseconds; few texts need one."""
    for secret in secrets.texts:
        text = text.replace(secret, MASK)
    for anchor, secret in secrets.unusual:
        if len(anchor) >= CREDENTIAL_MIN and anchor in text:
            if len(_UNUSUAL.findall(secret)) > UNUSUAL_MAX:
                raise TooManySecrets
            text = _loosely(secret).sub(MASK, text)
    return text


def hidden_in_part(text: bytes, secrets: Secrets) -> bytes:
    """The same of the beginning of something: one of them may begin at its end."""
    text = hidden(text, secrets)
    end = text[-CREDENTIAL_MIN:]
    if len(end) < CREDENTIAL_MIN:
        return text
    for secret in secrets.texts:
        size = min(len(secret) - 1, len(text))  # of the part that the text may end with; the longest first
        while (at := secret.rfind(end, 0, size)) >= 0:
            size = at + CREDENTIAL_MIN
            if text.endswith(secret[:size]):
                return text[:-size] + MASK
            size -= 1
    return text


def _scheme(value: bytes) -> bytes:
    match = _SCHEME.match(value)
    return match[0] if match else b""


def _end(rest: "re.Pattern[bytes]", text: bytes, at: int) -> int:
    match = rest.match(text, at)
    assert match is not None, "it matches nothing, too"
    return match.end()


def _credentials(text: bytes) -> Iterator[bytes]:
    if len(text) >= CREDENTIAL_MIN:
        yield text


def _of_basic(text: bytes) -> Iterator[bytes]:
    """RFC 7617: what it encodes, and the password in that."""
    try:
        pair = base64.b64decode(text, validate=True)
    except binascii.Error:
        return
    yield from _credentials(pair)
    yield from _credentials(pair.partition(b":")[2])


def _spelled(text: bytes) -> set[bytes]:
    """Also percent-encoded and decoded."""
    decoded = unquote_to_bytes(text)
    both = {text, decoded} if len(decoded) >= CREDENTIAL_MIN else {text}
    return both | {quote_from_bytes(one, safe="").encode() for one in both}


def _anchor(secret: bytes) -> bytes:
    return max(_UNUSUAL.split(secret), key=len)


def _loosely(secret: bytes) -> "re.Pattern[bytes]":
    """Its unusual characters may be escaped, also more than once: JSON in JSON, a URL in a URL."""
    parts = [_escaped(one) if _UNUSUAL.match(one) else re.escape(one) for one in _CHARACTER.findall(secret)]
    return re.compile(b"".join(parts))


def _escaped(one: bytes) -> bytes:
    code = b"%02x" % ord(one)
    ways = (rb"\\*" + re.escape(one), rb"%%(?:25)*(?i:%b)" % code, rb"\\+u00(?i:%b)" % code)
    html = (rb"&#0*%d;" % ord(one), rb"&#[xX]0*(?i:%b);" % code, rb"&[a-z]+;")
    return b"(?:%b)" % b"|".join((*ways, *html))
