"""What a single setting may hold: types with their checks, each error naming the remedy. Knows no other setting."""

import shlex
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from propylon.settings.addresses import Network, parse_address, parse_networks

SQLITE: Final = "sqlite+aiosqlite:///"
LMDB: Final = "lmdb://"
POSTGRES: Final = "postgresql+asyncpg://"
REDIS: Final = tuple(f"{scheme}{kind}://" for kind in ("", "+sentinel", "+cluster") for scheme in ("redis", "rediss"))
MAKE_SECRET: Final = 'make one with: python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
PUBLIC_SECRETS: Final = frozenset({"352d20ee67be67f6340b4c0605b044b7"})  # of Tyk's example file, copied everywhere


def weakness(secret: SecretStr) -> str:
    """Why a secret is easy to guess, "" when it is not."""
    if secret.get_secret_value() in PUBLIC_SECRETS:
        return "is publicly known"
    return "has fewer than 16 characters" if len(secret.get_secret_value()) < 16 else ""


def _address(text: str) -> str:
    parse_address(text)
    return text


def _optional_address(text: str) -> str:
    return text and _address(text)


def _folder(path: Path | None) -> Path | None:
    if path is not None and not path.is_dir():
        raise ValueError("there is no such folder; create it or correct the path")
    return path


def _file(path: Path | None) -> Path | None:
    if path is not None and not path.is_file():
        raise ValueError("there is no such file; create it or correct the path")
    return path


def _records_url(url: str) -> str:
    if url.startswith(("postgres://", "postgresql://")):
        raise ValueError(f"write {POSTGRES}user:password@host/database")
    if url.startswith(POSTGRES):
        return _server_url(url, f"{POSTGRES}user:password@host/database")
    return _store_url(url, SQLITE, "PATH")


def _meters_url(url: str) -> str:
    if url.startswith("valkey"):
        raise ValueError("Valkey speaks Redis's protocol: write redis:// or rediss://")
    if url.startswith(REDIS):
        return _server_url(url, "redis://host:6379/0")
    return _store_url(url, LMDB, "FOLDER")


def _pump_url(url: str) -> str:
    if url and not url.startswith(("redis://", "rediss://")):
        raise ValueError("is no Redis; write redis://host:6379/0 or rediss://user:password@host:6379/0")
    return _server_url(url, "redis://host:6379/0") if url else ""


def _server_url(url: str, example: str) -> str:
    """Names a host; never shown in an error, as it may hold a password."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, "," in parts.netloc or parts.port
    except ValueError:
        raise ValueError(f"is no URL; write {example}") from None
    if not host:
        raise ValueError(f"names no host; write {example}")
    return url


def _store_url(url: str, start: str, rest: str) -> str:
    if url and (not url.startswith(start) or url.removeprefix(start) in ("", "/", ":memory:")):
        raise ValueError(f"leave it empty or write {start}{rest}")
    return url


def _file_or_folder(path: Path | None) -> Path | None:
    if path is not None and not path.exists():
        raise ValueError(f"{path} is not there; make it or correct the path")
    return path


def _secret(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value():
        raise ValueError(f"must not be empty; {MAKE_SECRET}")
    if not all("!" <= character <= "~" for character in secret.get_secret_value()):
        raise ValueError("may hold only visible ASCII characters, as it travels in a header field")
    return secret


def _optional_secret(secret: SecretStr) -> SecretStr:
    return _secret(secret) if secret.get_secret_value() else secret


def _root_secret(secret: SecretStr) -> SecretStr:
    if 0 < len(secret.get_secret_value()) < 32:
        raise ValueError(f"needs at least 32 characters; {MAKE_SECRET}")
    return secret


def _command(text: str) -> str:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"is no command line: {error}") from None
    if text and not words:
        raise ValueError("names no program; leave it empty or write a command line")
    return text


def _names(given: object) -> object:
    """A list in TOML, comma-separated in the environment."""
    return tuple(name.strip() for name in given.split(",") if name.strip()) if isinstance(given, str) else given


def _quota_status(status: int) -> int:
    if status not in (403, 429):
        raise ValueError("write 403 or 429")
    return status


Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Grace = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
CountOrNone = Annotated[int, Field(ge=0)]
MapBytes = Annotated[int, Field(ge=1024**2)]
Listen = Annotated[str, AfterValidator(_address)]
OptionalListen = Annotated[str, AfterValidator(_optional_address)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(parse_networks)]
Folder = Annotated[Path | None, AfterValidator(_folder)]
FileOrFolder = Annotated[Path | None, AfterValidator(_file_or_folder)]
File = Annotated[Path | None, AfterValidator(_file)]
RecordsUrl = Annotated[str, AfterValidator(_records_url)]
MetersUrl = Annotated[str, AfterValidator(_meters_url)]
PumpUrl = Annotated[str, AfterValidator(_pump_url)]
Secret = Annotated[SecretStr, AfterValidator(_secret)]
OptionalSecret = Annotated[SecretStr, AfterValidator(_optional_secret)]
Command = Annotated[str, AfterValidator(_command)]
RootSecret = Annotated[SecretStr, AfterValidator(_root_secret)]
Role = Literal["all", "gateway", "control"]
QuotaStatus = Annotated[int, AfterValidator(_quota_status)]
