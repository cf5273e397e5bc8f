"""An issuer of our own on loopback: publishes the key set it is told to, or fails as it is told to, and counts.

It also stands in for an upstream, so that a trial needs nothing else. Lives in threads of the command that made it.
"""

import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple, Self

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import RSAKey

from propylon.cli.signing import Signer, signed, signer_of

KEY_SET: Final = "/keys"
ALGORITHM: Final = "RS256"


class SigningKey(NamedTuple):
    """One of the issuer's keys; what is published of it is its public half."""

    kid: str
    signer: Signer
    jwk: dict[str, Any]

    def token(self, claims: dict[str, Any]) -> str:
        return signed({"alg": ALGORITHM, "typ": "JWT", "kid": self.kid}, claims, self.signer)


class TrialIssuer:
    """Use it in a `with`."""

    def __init__(self) -> None:
        self._status, self._body = 200, _key_set(())
        self._changed = threading.Lock()
        self.fetches = 0  # of the key set
        issuer = self

        class Exchange(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, body = issuer.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet: what is of interest is counted."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Exchange)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="trial issuer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def key_set_url(self) -> str:
        return self.url + KEY_SET

    def publish(self, *keys: SigningKey) -> None:
        self.break_down(200, _key_set([key.jwk for key in keys]))

    def break_down(self, status: int, body: bytes = b"") -> None:
        with self._changed:
            self._status, self._body = status, body

    def answer(self, path: str) -> tuple[int, bytes]:
        """What stands at other paths is the upstream: content with everything."""
        if path != KEY_SET:
            return 200, b"{}"
        with self._changed:
            self.fetches += 1
            return self._status, self._body


def make_key(kid: str) -> SigningKey:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signer = signer_of(made)
    assert isinstance(signer, Signer)
    public = dict(RSAKey(made, made).as_dict(private=False))
    return SigningKey(kid, signer, public | {"kid": kid, "use": "sig", "alg": ALGORITHM})


def _key_set(keys: Sequence[dict[str, Any]]) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()
