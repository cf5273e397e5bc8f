"""What the URL of an issuer's key set may be (`jwt_source`, `jwt_jwks_uris`, `jwks_uri`, `openid_configuration`).

Says nothing of the addresses behind a name: those are judged at each fetch, by whoever connects.
"""

from typing import Final
from urllib.parse import urlsplit

URL_MAX_BYTES: Final = 2048


def url_trouble(url: str, *, allow_insecure: bool = False) -> str:
    """Why nothing may be fetched from it, "" when it may; `allow_insecure` is `allow_insecure_jwks`."""
    if len(url.encode()) > URL_MAX_BYTES:
        return f"is longer than {URL_MAX_BYTES} bytes; shorten it"
    if not url.isascii() or any(character <= " " for character in url):
        return "holds blanks or characters that a URL writes otherwise; write it as it is sent"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no URL; write https://host/path"
    if parts.scheme not in ("https", "http") or not host:
        return "is no https URL; write https://host/path"
    if parts.username is not None or parts.password is not None:
        return "holds a user name or password; leave it out"
    if parts.scheme == "http" and not allow_insecure:
        return (
            "is plain http, so anyone on the way can put in a key; write https, or set allow_insecure_jwks for a test"
        )
    return ""
