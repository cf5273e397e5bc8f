"""What a browser is told never to do with our pages, and which requests are not for us. Pure; knows no page.

Headers as RFC 9110, CSP Level 3 and Fetch's metadata have them. Everything is of this origin: no inline script or
style, no frame, no other host.
"""

import ipaddress
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

CSP: Final = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer a browser sends `Origin: null` even with our own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PRIVATE: Final[Mapping[str, str]] = {"Cache-Control": "no-store"}  # of everything but our own files
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})


def is_own_host(host: str) -> bool:
    """Whether a Host may name a loopback listener.

    Another one is a name that somebody pointed at 127.0.0.1 (DNS rebinding): their script would be of our origin.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def comes_from_elsewhere(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that an unsafe request was made by another site. Who says nothing is no browser of today.

    Only the host of `Origin` is compared: behind a TLS proxy we see http where the browser has https.
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
    except ValueError:
        return True
