"""Target URLs: where an API's requests go. Resolves no name and opens nothing."""

import ipaddress
import re
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from propylon.errors import Problem

FIELD: Final = "proxy.target_url"
UNSUPPORTED_SCHEMES: Final = frozenset({"h2c", "tcp", "tls", "tyk"})  # a guard, not a Problem: Tyk serves them

_VISIBLE: Final = re.compile(r"[!-~]+")
_SCHEMES: Final = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"  # "_": names of Docker Compose and Kubernetes
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_PATH: Final = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")
_QUERY: Final = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*")
_VARIABLE: Final = re.compile(r"\$(?:secret|tyk)_")


class Target(NamedTuple):
    scheme: str  # "http" | "https"
    host: str  # lower case, an IPv6 address without brackets
    port: int
    path: str  # as written, "" or with a leading slash
    query: str  # raw, without "?"


NOWHERE: Final = Target("http", "guarded.invalid", 80, "", "")  # of an API that only answers 503 (RFC 2606)


def scheme_of(text: str) -> str:
    return text.partition("://")[0].lower() if "://" in text else ""


def parse_target(text: str) -> Target | Problem:
    if scheme_of(text) in UNSUPPORTED_SCHEMES:
        return NOWHERE
    if not _VISIBLE.fullmatch(text):  # before `urlsplit`, which drops line breaks and tabs without a word
        return _problem("must be visible ASCII characters (hosts as xn--, the rest percent-escaped)")
    try:
        split = urlsplit(text)
        port = split.port
    except ValueError:
        return _problem("has a host or port that cannot be read")
    trouble = _trouble(text, split, port)
    if trouble:
        return _problem(trouble)
    scheme = _SCHEMES[split.scheme]
    return Target(scheme, split.hostname or "", port or (443 if scheme == "https" else 80), split.path, split.query)


def _trouble(text: str, split: SplitResult, port: int | None) -> str:
    if split.scheme not in _SCHEMES or not split.netloc:
        return "must be an absolute http or https URL"
    if "@" in split.netloc:
        return "must not carry a user name or password"
    if not _is_host(split) or port == 0:
        return "has no valid host and port (a name, an IPv4 address, or an IPv6 address in brackets)"
    if "#" in text:
        return "must not have a fragment (#)"
    if _VARIABLE.search(text):
        return "holds a variable inside; a reference must be the whole value"
    return _trouble_in_path(split)


def _trouble_in_path(split: SplitResult) -> str:
    if not _PATH.fullmatch(split.path) or not _QUERY.fullmatch(split.query):
        return "has characters that need percent-escapes in its path or query"
    if {".", ".."} & set(split.path.lower().replace("%2e", ".").split("/")):
        return "has dot segments in its path; write the path they lead to"
    return ""


def _is_host(split: SplitResult) -> bool:
    host, authority = split.hostname or "", split.netloc.rpartition("@")[2]
    if authority.startswith("["):
        return _is_address(host, ipaddress.IPv6Address) and "%" not in host
    last_label = host.rstrip(".").rpartition(".")[2]
    if last_label.isdigit() or last_label.startswith("0x"):  # "127.1" is an address to some resolvers, a name to others
        return _is_address(host, ipaddress.IPv4Address)
    return len(host) <= 253 and _NAME.fullmatch(host) is not None


def _is_address(host: str, kind: type[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> bool:
    try:
        kind(host)
    except ValueError:
        return False
    return True


def _problem(trouble: str) -> Problem:
    return Problem(FIELD, "invalid_target_url", f"{trouble}; write it like http://orders.internal:8080/base")
