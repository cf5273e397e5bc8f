"""What a form sent: read once, bounded, as fields with one or more values each."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from propylon.control.envelope import Refused

FORM_MAX_BYTES: Final = 1024**2
FIELDS_MAX: Final = 500
KIND: Final = "application/x-www-form-urlencoded"


class Form:
    """Its fields; one that was not sent is "". Blanks around a value are the keyboard's, except in a password."""

    def __init__(self, fields: Mapping[str, list[str]]) -> None:
        self._fields = fields

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def text(self, name: str) -> str:
        return self.exact(name).strip()

    def exact(self, name: str) -> str:
        return (self._fields.get(name) or [""])[-1]

    def all(self, name: str) -> list[str]:
        return [value.strip() for value in self._fields.get(name, [])]

    def having(self, **fields: str) -> "Form":
        """With these instead of its own."""
        return Form({**self._fields, **{name: [value] for name, value in fields.items()}})


async def read_form(request: Request) -> Form:
    """Raises Refused for what is no form of ours."""
    if request.headers.get("content-type", KIND).partition(";")[0].strip().lower() != KIND:
        raise Refused(415, f"A form is sent as {KIND}")
    try:
        pairs = parse_qsl((await _body(request)).decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        raise Refused(400, f"The form is not readable: it is no UTF-8, or has more than {FIELDS_MAX} fields") from None
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return Form(fields)


async def _body(request: Request) -> bytes:
    pieces, size = [], 0
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > FORM_MAX_BYTES:
                raise Refused(413, f"A form may have {FORM_MAX_BYTES} bytes", {"Connection": "close"})
            pieces.append(piece)
    except ClientDisconnect:
        raise Refused(400, "The form ended before it was complete") from None
    return b"".join(pieces)
