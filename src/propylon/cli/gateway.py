"""The running gateway that a command asks, with what `--url`, `--secret` and `--json` say. No command is known here.

What every command does alike: find the secret, call, print the API's JSON as it came or hand the document on to be
shown, and end with the exit code that the answer deserves.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from propylon.cli.calls import NO_FIELDS, NO_QUERY, Address, Answer, Unreachable, parse_url, send, with_query
from propylon.cli.ending import NO, WRONG_USE, stop, warn
from propylon.cli.printing import notes, plain

DEFAULT_URL: Final = "http://127.0.0.1:8080"
SECRET_VARIABLE: Final = "PROPYLON_SECRET"
Show = Callable[[Any], None]

Url = Annotated[
    str, typer.Option("--url", envvar="PROPYLON_URL", help="Where the Gateway API is served.", show_default=True)
]
Secret = Annotated[
    str,
    typer.Option("--secret", help="Its secret. Others can read it here: set PROPYLON_SECRET or PROPYLON_SECRET_FILE."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the API's answer as it is.")]


class Gateway:
    """Made once by each command."""

    def __init__(self, address: Address, secret: str, *, as_json: bool) -> None:
        self.address = address
        self._secret = secret
        self.as_json = as_json

    def ask(
        self,
        method: str,
        path: str,
        show: Show,
        *,
        query: Mapping[str, object] = NO_QUERY,
        body: bytes | None = None,
        fields: Mapping[str, str] = NO_FIELDS,
    ) -> Any:
        """Calls and prints; ends the command unless the answer is yes. Returns the document."""
        answer = self.call(method, path, query=query, body=body, fields=fields)
        self.demand_yes(answer, _what(method, path))
        if self.as_json:
            print_json(answer)
        else:
            show(answer.document)
            members = answer.document if isinstance(answer.document, Mapping) else {}
            notes("warning", members.get("warnings"))
        return answer.document

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] = NO_QUERY,
        body: bytes | None = None,
        fields: Mapping[str, str] = NO_FIELDS,
    ) -> Answer:
        """Ends the command when nobody answers."""
        own = {"X-Tyk-Authorization": self._secret, "Accept": "application/json", "Connection": "close"}
        own |= {} if body is None else {"Content-Type": "application/json"}
        try:
            return send(self.address, method, with_query(path, query), {**own, **fields}, body)
        except Unreachable as trouble:
            where = f"{self.address.scheme}://{self.address.host}:{self.address.port or ''}".rstrip(":")
            stop(WRONG_USE, f"no gateway answers at {where} ({trouble}); start it, or set PROPYLON_URL or --url")

    def demand_yes(self, answer: Answer, what: str) -> None:
        document = answer.document
        if answer.status < 300 and isinstance(document, Mapping | list):
            return
        if not isinstance(document, Mapping) or "message" not in document:
            stop(WRONG_USE, _not_the_api(answer, what))
        if self.as_json:
            print_json(answer)
        else:
            print(plain(f"{answer.status} {document['message']}"), file=sys.stderr)
            notes("problem", document.get("problems"))
        code = _code_of(answer, document)
        if code == WRONG_USE and answer.status == 403:
            stop(code, f"the secret that was sent is not this gateway's; correct {SECRET_VARIABLE}")
        raise typer.Exit(code)


def open_gateway(url: str, secret: str, *, as_json: bool) -> Gateway:
    """Ends the command when url or secret cannot be used."""
    address = checked_address(url, "--url")
    if not address.is_private_to_us:
        warn(f"{address.host} is asked over http, so the secret can be read on the way; use https")
    return Gateway(address, _secret(secret), as_json=as_json)


def checked_address(url: str, option: str) -> Address:
    try:
        return parse_url(url)
    except ValueError as trouble:
        stop(WRONG_USE, f"{option} {url!r} cannot be used: {trouble}")


def print_json(answer: Answer) -> None:
    """Exactly what the API said."""
    sys.stdout.buffer.write(answer.body if answer.body.endswith(b"\n") else answer.body + b"\n")
    sys.stdout.buffer.flush()


def as_body(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def _secret(given: str) -> str:
    if given:
        warn("--secret can be read by others in the list of processes; set PROPYLON_SECRET or PROPYLON_SECRET_FILE")
        return _checked(given)
    text, path = os.environ.get(SECRET_VARIABLE, ""), os.environ.get(f"{SECRET_VARIABLE}_FILE", "")
    if text and path:
        stop(WRONG_USE, f"{SECRET_VARIABLE} and {SECRET_VARIABLE}_FILE are both set; keep one")
    if path:
        try:
            text = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as trouble:
            stop(WRONG_USE, f"{SECRET_VARIABLE}_FILE names {path}, which cannot be read: {trouble}")
    if not text:
        stop(WRONG_USE, f"the gateway's secret is missing; set {SECRET_VARIABLE} or {SECRET_VARIABLE}_FILE")
    return _checked(text)


def _checked(secret: str) -> str:
    if not all("!" <= character <= "~" for character in secret):
        stop(WRONG_USE, "the secret may hold only visible ASCII characters, as it travels in a header field")
    return secret


def _what(method: str, path: str) -> str:
    """Without the name in the path, which may be a key."""
    segments = path.split("/")
    return f"{method} {'/'.join([*segments[:3], *(['…'] if segments[3:] else []), *segments[4:]])}"


def _code_of(answer: Answer, document: Mapping[str, Any]) -> int:
    """Tyk says no with 500 at times; then problems stand beside it. Without them 5xx is nobody at home."""
    is_locked_out = answer.status in (403, 429) and "problems" not in document and "code" not in document
    is_away = answer.status >= 500 and "problems" not in document
    return WRONG_USE if is_locked_out or is_away else NO


def _not_the_api(answer: Answer, what: str) -> str:
    if answer.status == 404:
        return (
            f"the address answers, but knows no {what}: it may serve the Gateway API elsewhere (control_listen), "
            "or be an older version"
        )
    return f"{what} was answered {answer.status} by something that is not a Propylon gateway; correct --url"
