"""Settings as they may be shown: secrets masked, URLs without who logs in. No gateway can be started with them."""

from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr

from propylon.settings.checks import LMDB, SQLITE
from propylon.settings.values import Settings

MASK: Final = "***"

Shown = str | int | float | bool | list[str] | None  # None: unset


def shown_settings(settings: Settings) -> dict[str, Shown]:
    """By name, in the order of the reference."""
    return {name: _shown(name, getattr(settings, name)) for name in Settings.model_fields}


def is_masked(name: str) -> bool:
    """Whether a setting is never shown."""
    return Settings.model_fields[name].annotation is SecretStr


def _shown(name: str, value: object) -> Shown:
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else ""
    if name.endswith("_url"):
        return shown_url(str(value))
    if isinstance(value, tuple):
        return [str(one) for one in value]
    if isinstance(value, Path):
        return str(value)
    assert value is None or isinstance(value, str | int | float | bool), f"{name} needs a form to be shown in"
    return value


def shown_url(url: str) -> str:
    """Scheme, hosts and database; of a query the names. Whoever forgot to encode an @ or / of a password shows less."""
    if not url or url.startswith((SQLITE, LMDB)):
        return url
    parts = urlsplit(url)
    _, at, hosts = parts.netloc.rpartition("@")
    rest = f"{parts.path}{parts.query}{parts.fragment}"
    if "@" in rest or parts.fragment:
        return f"{parts.scheme}://{MASK}"
    names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    query = "&".join(f"{name}={MASK}" for name in names)
    return f"{parts.scheme}://{MASK + at if at else ''}{hosts}{parts.path}{'?' if query else ''}{query}"
