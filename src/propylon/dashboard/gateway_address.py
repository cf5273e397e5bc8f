"""Where this gateway serves APIs, as a person on this page can reach it. Pure."""

from propylon.settings import Settings

ANY: frozenset[str] = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not listened on


def gateway_url(settings: Settings, page_host: str) -> str:
    """Of `listen`; `page_host` is the host name of the page, for a gateway that listens on every address."""
    address = settings.listen_address
    host = page_host if address.host in ANY else address.host
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if settings.tls_certificate else 'http'}://{shown}:{address.port}"
