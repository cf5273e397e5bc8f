"""The demo's upstream: answers every request with what it received, so that one sees what the gateway sent on."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

BODY_MAX_BYTES: Final = 1024 * 1024


class Echo(BaseHTTPRequestHandler):
    """One connection of the sample upstream."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        size = min(int(self.headers.get("Content-Length") or 0), BODY_MAX_BYTES)
        received = {
            "method": self.command,
            "path": self.path,
            "headers": dict(self.headers.items()),
            "body": self.rfile.read(size).decode("utf-8", "replace"),
        }
        body = json.dumps(received, indent=2).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the gateway has the log that matters."""


def main() -> None:
    """Serves on a free port of loopback, printed first, until killed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    print(server.server_address[1], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
