"""Where a request carries its credential (T-1 … T-4). Reads no request."""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from propylon.errors import Problem
from propylon.model.document_reader import DocumentReader

AUTHORIZATION: Final = "Authorization"
# Stripping one of these as a credential would change how the message is framed or where it goes.
FRAMING: Final = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer"}
    | {"transfer-encoding", "upgrade"}
)

_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110 §5.6.2; cookie names too (RFC 6265 §4.1.1)
_PARAMETER: Final = re.compile(r"[ -~]+")


class CredentialSource(NamedTuple):
    """What is read; "" is not read."""

    header_name: str
    param_name: str
    cookie_name: str


NONE: Final = CredentialSource("", "", "")


def read_credential_source(reader: DocumentReader, auth_type: str) -> CredentialSource:
    """`auth_configs.<type>`, else the old `auth` (T-2)."""
    modern = f"auth_configs.{auth_type}"
    at = modern if reader.value(modern) is not None else "auth"
    header = "" if reader.flag(f"{at}.disable_header") else reader.text(f"{at}.auth_header_name") or AUTHORIZATION
    implied = header or AUTHORIZATION  # T-3
    source = CredentialSource(
        header,
        (reader.text(f"{at}.param_name") or implied) if reader.flag(f"{at}.use_param") else "",
        (reader.text(f"{at}.cookie_name") or implied) if reader.flag(f"{at}.use_cookie") else "",
    )
    reader.problems.extend(_problems(source, at, auth_type))
    return source


def _problems(source: CredentialSource, at: str, auth_type: str) -> list[Problem]:
    if source == NONE:
        text = f"all auth sources are disabled for {auth_type}, at least one of header/cookie/query must be enabled"
        return [Problem(at, "no_credential_source", text)]
    checks: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
        (source.header_name, "auth_header_name", is_header),
        (source.param_name, "param_name", lambda name: _PARAMETER.fullmatch(name) is not None),
        (source.cookie_name, "cookie_name", lambda name: _TOKEN.fullmatch(name) is not None),
    )
    remedy = "no request can carry a credential under this name; choose one of letters, digits and -"
    return [Problem(f"{at}.{field}", "invalid_name", remedy) for name, field, fits in checks if name and not fits(name)]


def is_header(name: str) -> bool:
    return _TOKEN.fullmatch(name) is not None and name.lower() not in FRAMING
