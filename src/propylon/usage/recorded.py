"""An exchange recorded whole: its two messages without their secrets, as the log keeps them and as wire text.

The request as it was received, the answer as it was sent; of bodies their first bytes. Knows no budget and no store.
"""

import base64
import zlib
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from propylon.exchange import Exchange
from propylon.http.messages import Field
from propylon.model.api_definition import ApiDefinition
from propylon.usage.masking import Masking, Secrets, TooManySecrets, hidden_in_part

Document = dict[str, Any]
CHANGED: Final = "its API was changed before the exchange ended, and with it perhaps the names of its secrets"
TOO_MANY: Final = "it carries more credentials, cookies or parameters than can be looked through"
UNPACKED_MAX_BYTES: Final = 262_144  # of an encoded body that is looked through
_ZLIB: Final = frozenset({b"gzip", b"x-gzip", b"deflate"})
_ANY_ZLIB_HEADER: Final = 47  # wbits
_HEAD_END: Final = b"\r\n\r\n"

# The definition that decided an exchange; None when it has been replaced or removed since.
DefinitionOf = Callable[[Exchange], ApiDefinition | None]


class Message(NamedTuple):
    """Masked. `fields` of an answer are as they were sent, of a request as they were received."""

    line: bytes
    fields: list[Field]
    body: bytes  # its first bytes
    body_bytes: int  # how many passed
    kept_bytes: int  # of them, before anything in them was masked
    encoding: bytes  # Content-Encoding, b"" = none


class Recorded(NamedTuple):
    request: Message
    response: Message | None  # None: none was sent


class Recorder:
    """One per worker. Answers None for an exchange that is not to be recorded, a text that says why it cannot be."""

    def __init__(self, definition_of: DefinitionOf) -> None:
        self._definition_of = definition_of

    def __call__(self, exchange: Exchange) -> Recorded | str | None:
        if exchange.recording is None and not exchange.own_reply:
            return None
        definition = self._definition_of(exchange)
        by_key = exchange.caller is not None and exchange.caller.session.is_recorded
        is_wanted = exchange.recording is not None or by_key  # forward has asked; before it there is our own answer
        if definition is None:
            return CHANGED if is_wanted else None
        if not (is_wanted or definition.records_whole):
            return None
        try:
            return _recorded(exchange, Masking(definition.secret_names))
        except TooManySecrets:
            return TOO_MANY


def as_document(recorded: Recorded) -> Document:
    """For people: texts, base64 where a body is none."""
    response = recorded.response
    return {"request": _shown(recorded.request), "response": None if response is None else _shown(response)}


def as_wire(message: Message | None) -> str:
    """Base64 of HTTP/1.1 (analytics.md §2); the body is not framed any more, so nothing says that it is."""
    if message is None:
        return ""
    fields = [b"%b: %b\r\n" % field for field in message.fields if field[0].lower() != b"transfer-encoding"]
    return base64.b64encode(message.line + b"\r\n" + b"".join(fields) + b"\r\n" + message.body).decode()


def _recorded(exchange: Exchange, masking: Masking) -> Recorded:
    head, recording = exchange.head, exchange.recording
    query = None if head.query is None else head.query.encode("latin-1")
    answer_head, kept, answer_bytes = _answer(exchange)
    lines = answer_head.split(b"\r\n")
    sent = [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines[1:] if line)]
    secrets = masking.secrets([*head.fields, *sent], query or b"")
    target = masking.target(head.path.encode("latin-1"), query, secrets)
    line = b"%b %b HTTP/1.%d" % (head.method.encode("latin-1"), target, head.version_minor)
    body, size = (b"", 0) if recording is None else (recording.request_body.kept, recording.request_body.total)
    request = _message(line, head.fields, body, size, masking, secrets)
    if not answer_head:
        return Recorded(request, None)
    return Recorded(request, _message(lines[0], sent, kept, answer_bytes, masking, secrets))


def _message(line: bytes, fields: list[Field], body: bytes, size: int, masking: Masking, secrets: Secrets) -> Message:
    encodings = [value.lower() for name, value in fields if name.lower() == b"content-encoding"]
    encoding = b", ".join(one for one in encodings if one != b"identity")
    if encoding and secrets.texts and not _is_free_of(secrets, body, encoding):
        body = kept = b""
    else:
        kept = hidden_in_part(body, secrets)
    return Message(line, [masking.field(field, secrets) for field in fields], kept, size, len(body), encoding)


def _is_free_of(secrets: Secrets, body: bytes, encoding: bytes) -> bool:
    """Whether the beginning of an encoded body can be looked through and holds none; nothing in it can be masked."""
    if encoding not in _ZLIB:
        return not body
    unpacking = zlib.decompressobj(_ANY_ZLIB_HEADER)
    try:
        plain = unpacking.decompress(body, UNPACKED_MAX_BYTES)
    except zlib.error:
        return False
    return not unpacking.unconsumed_tail and hidden_in_part(plain, secrets) == plain


def _answer(exchange: Exchange) -> tuple[bytes, bytes, int]:
    """Head, the beginning of the body, and its size. Our own answers are short, and here whole."""
    recording = exchange.recording
    if recording is not None and recording.answer_head:
        return recording.answer_head, recording.answer_body.kept, recording.answer_body.total
    head, _, body = exchange.own_reply.partition(_HEAD_END)
    return head, body, len(body)


def _shown(message: Message) -> Document:
    is_cut = message.kept_bytes < message.body_bytes
    text = None if message.encoding else _text_of(message.body, is_cut=is_cut)
    return {
        "line": _text(message.line),
        "headers": [[_text(name), _text(value)] for name, value in message.fields],
        "body": base64.b64encode(message.body).decode() if text is None else text,
        "body_is": "base64" if text is None else "text",
        "body_bytes": message.body_bytes,
        "body_cut": is_cut,
        "content_encoding": _text(message.encoding),
    }


def _text(value: bytes) -> str:
    """RFC 9110 §5.5: what is no UTF-8 is opaque; read as ISO 8859-1 it shows each byte."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _text_of(body: bytes, *, is_cut: bool) -> str | None:
    """None when it is not UTF-8, or has what no text has; a character that the cut has halved does not count."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        if not (is_cut and error.reason == "unexpected end of data"):
            return None
        text = body[: error.start].decode()
    return None if "\0" in text else text
