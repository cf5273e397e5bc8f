"""Calls of a running gateway's REST API. Knows HTTP and where the secret goes; prints nothing, decides nothing.

The standard library is enough: one request at a time, no redirects followed, no proxy of the environment used, so that
the secret goes to the address that was given and to no other.
"""

import json
import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

TIMEOUT_S: Final = 30.0
NO_QUERY: Final[Mapping[str, object]] = {}
NO_FIELDS: Final[Mapping[str, str]] = {}


class Unreachable(Exception):
    """Nobody who answers at that address; its text says what happened."""


class Answer(NamedTuple):
    status: int
    body: bytes
    fields: HTTPMessage

    @property
    def document(self) -> Any:
        """None for what is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Address(NamedTuple):
    scheme: str
    host: str
    port: int | None
    path: str  # put before every path; "" for none

    @property
    def is_private_to_us(self) -> bool:
        """Whether what is sent there can be read on the way."""
        return self.scheme == "https" or self.host == "localhost" or self.host.startswith("127.") or self.host == "::1"


def parse_url(text: str) -> Address:
    """Raises ValueError."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("write http://host:port or https://host:port")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("write scheme, host and port only; the secret goes into PROPYLON_SECRET")
    return Address(parts.scheme, parts.hostname, parts.port, parts.path.rstrip("/"))


def send(address: Address, method: str, target: str, fields: Mapping[str, str], body: bytes | None = None) -> Answer:
    """One request on its own connection. Raises Unreachable."""
    connection = _connection(address)
    try:
        connection.request(method, address.path + target, body, dict(fields))
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(), answer.headers)
    except (OSError, HTTPException) as trouble:
        raise Unreachable(str(trouble) or type(trouble).__name__) from trouble
    finally:
        connection.close()


def path_of(*segments: str) -> str:
    """A path of the Gateway API; what a segment holds stays one segment."""
    return "/tyk/" + "/".join(quote(segment, safe="") for segment in segments)


def with_query(path: str, query: Mapping[str, object]) -> str:
    """Leaves out what is empty or None; True is written as 1."""
    given = {name: 1 if value is True else value for name, value in query.items() if value not in (None, "", False)}
    return f"{path}?{urlencode(given)}" if given else path


def _connection(address: Address) -> HTTPConnection:
    if address.scheme == "http":
        return HTTPConnection(address.host, address.port, timeout=TIMEOUT_S)
    return HTTPSConnection(address.host, address.port, timeout=TIMEOUT_S, context=ssl.create_default_context())
