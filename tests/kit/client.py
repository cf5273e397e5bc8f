"""A blocking client: sends exactly the bytes it is told, reads responses strictly. Knows nothing of our reader."""

import json
import socket
import ssl
import struct
from collections.abc import Mapping
from select import select
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

SAFETY_S = 30.0  # a bound against hanging, never something a test asserts

Fields = tuple[tuple[bytes, bytes], ...]


class Response(NamedTuple):
    """One response as it came; `interim` are the statuses of the 1xx answers before it."""

    status: int
    reason: bytes
    fields: Fields
    body: bytes
    interim: tuple[int, ...] = ()
    trailers: Fields = ()

    def values(self, name: str) -> list[str]:
        return [value.decode("latin-1") for field, value in self.fields if field.lower() == name.lower().encode()]

    def value(self, name: str) -> str | None:
        """The only value of a field, None when there is none."""
        values = self.values(name)
        assert len(values) < 2, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One connection. Use it in a `with`."""

    def __init__(self, port: int, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self._socket = socket.create_connection((host, port), timeout=SAFETY_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self._socket = tls.wrap_socket(self._socket, server_hostname=host)
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def send_all_or_less(self, data: bytes) -> None:
        """To a peer that may refuse after a part and close."""
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def received_now(self) -> bytes:
        """What has come and was not read yet, without waiting."""
        while select([self._socket], [], [], 0)[0] and (more := self._receive()):
            self._received += more
        return self._received

    def half_close(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the peer has reset already

    def reset(self) -> None:
        """Closes with RST, as a crashed client does."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def expect(self, data: bytes) -> None:
        received = self.read_exactly(len(data))
        assert received == data, f"expected {data!r}, received {received!r}"

    def expect_end(self) -> None:
        """The peer closes, in whatever way, and sends nothing more."""
        rest = self.read_to_end()
        assert rest == b"", f"expected the end, received {rest!r}"

    def read_exactly(self, length: int) -> bytes:
        while len(self._received) < length:
            self._receive_more()
        data, self._received = self._received[:length], self._received[length:]
        return data

    def read_until(self, marker: bytes) -> bytes:
        """Up to and including the marker."""
        while marker not in self._received:
            self._receive_more()
        return self.read_exactly(self._received.index(marker) + len(marker))

    def read_to_end(self) -> bytes:
        while (more := self._receive()) != b"":
            self._received += more
        data, self._received = self._received, b""
        return data

    def read_response(self, method: str = "GET") -> Response:
        """The next final response (or 101), whole."""
        interim: list[int] = []
        while True:
            status, reason, fields = _parse_head(self.read_until(b"\r\n\r\n"))
            if status >= 200 or status == 101:
                break
            interim.append(status)
        body, trailers = self._read_body(method, status, fields)
        return Response(status, reason, fields, body, tuple(interim), trailers)

    def _read_body(self, method: str, status: int, fields: Fields) -> tuple[bytes, Fields]:
        if method == "HEAD" or status in (101, 204, 304):
            return b"", ()
        lengths = [value for name, value in fields if name.lower() == b"content-length"]
        codings = [value for name, value in fields if name.lower() == b"transfer-encoding"]
        assert len(lengths) + len(codings) < 2, f"ambiguous framing: {fields}"
        if codings:
            assert codings == [b"chunked"], f"unknown coding {codings}"
            return self._read_chunks()
        return (self.read_exactly(int(lengths[0])) if lengths else self.read_to_end()), ()

    def _read_chunks(self) -> tuple[bytes, Fields]:
        pieces = []
        while size := int(self.read_until(b"\r\n").split(b";")[0], 16):
            pieces.append(self.read_exactly(size))
            self.expect(b"\r\n")
        trailers = []
        while (line := self.read_until(b"\r\n")) != b"\r\n":
            trailers.append(_parse_field(line[:-2]))
        return b"".join(pieces), tuple(trailers)

    def _receive_more(self) -> None:
        more = self._receive()
        assert more, f"the peer closed after {self._received!r}"
        self._received += more

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(65536)
        except ConnectionResetError:
            return b""


def _parse_head(head: bytes) -> tuple[int, bytes, Fields]:
    line, *fields = head[:-4].split(b"\r\n")
    version, status, reason = line.split(b" ", 2)
    assert version == b"HTTP/1.1", f"not an HTTP/1.1 status line: {line!r}"
    return int(status), reason, tuple(_parse_field(field) for field in fields)


def _parse_field(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    assert colon, f"not a field: {line!r}"
    assert name.strip() == name != b"", f"not a field: {line!r}"
    return name, value.strip(b" \t")


def request(
    method: str,
    url: str,
    body: bytes | None = None,
    fields: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Response:
    """One request on its own connection. `fields` replace the ones made here when they have the same name."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    all_fields = {"Host": parts.netloc, "Connection": "close"}
    if body is not None:
        all_fields["Content-Length"] = str(len(body))
    lines = [f"{method} {target} HTTP/1.1"] + [
        f"{name}: {value}" for name, value in (all_fields | dict(fields or {})).items()
    ]
    assert parts.hostname is not None
    assert parts.port is not None
    with Client(parts.port, parts.hostname, tls) as client:
        client.send("\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b""))
        return client.read_response(method)


def get(url: str, fields: Mapping[str, str] | None = None) -> Response:
    return request("GET", url, fields=fields)


def post(url: str, body: bytes, fields: Mapping[str, str] | None = None) -> Response:
    return request("POST", url, body, fields)
