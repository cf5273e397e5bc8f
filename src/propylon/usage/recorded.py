"""An exchange recorded whole: its two messages without their secrets, as the log keeps them and as wire text.

The request as it was received, the answer as it was sent; of bodies their first bytes. Knows no budget and no store.
"""

import base64
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from propylon.exchange import Exchange
from propylon.http.messages import Field
from propylon.model.api_definition import ApiDefinition
from propylon.usage.masking import Masking, TooManySecrets, hidden_in_part

Document = dict[str, Any]
CHANGED: Final = "its API was changed before the exchange ended, and with it perhaps the names of its secrets"
TOO_MANY: Final = "it carries more credentials and cookies than are looked for"
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
    fields = [masking.field(field, secrets) for field in head.fields]
    body, size = (b"", 0) if recording is None else (recording.request_body.kept, recording.request_body.total)
    request = Message(line, fields, hidden_in_part(body, secrets), size, len(body))
    if not answer_head:
        return Recorded(request, None)
    fields = [masking.field(field, secrets) for field in sent]
    return Recorded(request, Message(lines[0], fields, hidden_in_part(kept, secrets), answer_bytes, len(kept)))


def _answer(exchange: Exchange) -> tuple[bytes, bytes, int]:
    """Head, what is kept of the body, and its size. Our own answers are short, and kept whole."""
    recording = exchange.recording
    if recording is not None and recording.answer_head:
        return recording.answer_head, recording.answer_body.kept, recording.answer_body.total
    head, _, body = exchange.own_reply.partition(_HEAD_END)
    return head, body, len(body)


def _shown(message: Message) -> Document:
    encoding = b", ".join(value for name, value in message.fields if name.lower() == b"content-encoding")
    is_cut = message.kept_bytes < message.body_bytes
    text = None if encoding else _text_of(message.body, is_cut=is_cut)
    return {
        "line": _text(message.line),
        "headers": [[_text(name), _text(value)] for name, value in message.fields],
        "body": base64.b64encode(message.body).decode() if text is None else text,
        "body_is": "base64" if text is None else "text",
        "body_bytes": message.body_bytes,
        "body_cut": is_cut,
        "content_encoding": _text(encoding),
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
