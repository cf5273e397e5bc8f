"""The secrets of a definition: taken out before it is stored, never shown, kept when a write leaves them empty (§3.5).

Sealing them is the records' affair. A stored document has "" where a secret is, so PUT(GET(x)) changes nothing.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from propylon.errors import Problem
from propylon.model.document_reader import WRONG_TYPE, beside_envelope, is_text, unwrap
from propylon.model.jwt_source import names_key_set
from propylon.model.references import is_reference
from propylon.model.session_secrets import fingerprint
from propylon.model.signing_families import FAMILIES, FAMILY_BY_ALGORITHM

JWT_SOURCE: Final = "jwt_source"
JWT_MODE: Final = "jwt_mode"
FINGERPRINT: Final = "_fingerprint"
PUBLIC_FAMILIES: Final = FAMILIES.keys() - {"hmac"}

_PATTERNS: Final = tuple(
    tuple(path.split("."))
    for path in (
        JWT_SOURCE,
        "jwt_issuers.*.key",
        "auth.signature.secret",
        "auth_configs.*.signature.secret",
        "request_signing.secret",
        "upstream_auth.basic_auth.password",
        "upstream_auth.oauth.client_credentials.client_secret",
        "upstream_auth.oauth.password.client_secret",
        "upstream_auth.oauth.password.password",
        "notifications.shared_secret",
        "external_oauth.providers.*.introspection.client_secret",
    )
)
_MASK: Final = re.compile(r"sha256:[0-9a-f]{16}|[•*]{3,}")

Path = tuple[str, ...]
Document = dict[str, Any]


class Kept(NamedTuple):
    """What is in force after a write."""

    document: Document
    secrets: dict[str, str]
    warnings: list[Problem]


def extract_secrets(document: Mapping[str, Any]) -> tuple[Document, dict[str, str]]:
    """The definition without its envelope and secrets, and the secrets by path."""
    stripped = dict(unwrap(document))
    secrets: dict[str, str] = {}
    for path in _places(stripped):
        value = _at(stripped, path)
        if is_text(value) and _is_secret(path, value, stripped):
            secrets[".".join(path)] = value
            stripped = _put(stripped, path, "")
    return stripped, secrets


def restore_secrets(document: Mapping[str, Any], secrets: Mapping[str, str]) -> Document:
    """The definition as it was written; a secret is put where its place is there and empty."""
    restored = dict(unwrap(document))
    for path in _places(restored):
        if ".".join(path) in secrets and not _at(restored, path):
            restored = _put(restored, path, secrets[".".join(path)])
    return restored


def public_view(document: Mapping[str, Any], secrets: Mapping[str, str]) -> Document:
    """What reads answer: a fingerprint beside each empty secret, and which of its modes a JWT API is in."""
    view, _ = extract_secrets(document)
    for path in _places(view):
        secret = secrets.get(".".join(path))
        if secret:
            view = _put(view, path, "")
            view = _put(view, (*path[:-1], path[-1] + FINGERPRINT), fingerprint(secret))
    if view.get("enable_jwt") is True and view.get("use_keyless") is not True:
        is_central = secrets.get(JWT_SOURCE) or view.get(JWT_SOURCE) or view.get("jwt_jwks_uris")
        view[JWT_MODE] = "issuers" if view.get("jwt_issuers") else "central" if is_central else "per_key"
    return view


def keep_secrets(document: Mapping[str, Any], stored_secrets: Mapping[str, str], clear: frozenset[str]) -> Kept:
    """Secrets that a write leaves out, null or empty stay; `clear` names the paths that go, or how they begin."""
    written, secrets = extract_secrets(document)
    written, fingerprinted = _without_read_only(written)
    warnings = beside_envelope(document)
    for path in _places(written):
        name = ".".join(path)
        if name in secrets or _at(written, path):
            continue
        if name in stored_secrets and not _is_cleared(name, clear):
            written, secrets[name] = _put(written, path, ""), stored_secrets[name]
            warnings.append(Problem(name, "secret_kept", f"was kept as it is; ?clear={name} removes it"))
        elif name not in stored_secrets and name in fingerprinted:
            warnings.append(Problem(name, "secret_missing", "came as a fingerprint only; write the secret itself"))
    return Kept(written, secrets, [*warnings, *_lost(written, stored_secrets), *_idle(stored_secrets, clear)])


def secret_problems(document: Mapping[str, Any]) -> Iterator[Problem]:
    """What stands at the place of a secret and is none."""
    for path in _places(document):
        value = _at(document, path)
        if value is None:
            continue
        if not is_text(value):
            yield Problem(".".join(path), WRONG_TYPE, "must be a string of whole Unicode characters")
        elif _MASK.fullmatch(value):
            text = "is what reads show in the place of a secret; leave it out to keep the stored one, or send another"
            yield Problem(".".join(path), "secret_is_mask", text)


def _is_secret(path: Path, text: str, document: Mapping[str, Any]) -> bool:
    """A reference is not one, nor is a public key or the URL of a key set; in doubt it is."""
    if not text or is_reference(text):
        return False
    family = str(document.get("jwt_signing_method"))
    if path == (JWT_SOURCE,):
        return not (family in PUBLIC_FAMILIES or names_key_set(text))
    if path[0] == "jwt_issuers":
        algorithms = _at(document, path[:-1]).get("algorithms")
        families = (
            {FAMILY_BY_ALGORITHM.get(str(one)) for one in algorithms}
            if isinstance(algorithms, list) and algorithms
            else {family}
        )
        return not families <= PUBLIC_FAMILIES
    return True


def _is_cleared(name: str, clear: frozenset[str]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in clear)


def _lost(document: Mapping[str, Any], stored_secrets: Mapping[str, str]) -> list[Problem]:
    there = {".".join(path) for path in _places(document)}
    text = "was removed together with the object that held it; write both again to have it back"
    return [Problem(name, "secret_removed", text) for name in stored_secrets if name not in there]


def _idle(stored_secrets: Mapping[str, str], clear: frozenset[str]) -> list[Problem]:
    idle = sorted(one for one in clear if not any(_is_cleared(name, frozenset({one})) for name in stored_secrets))
    return [Problem("", "clear_idle", f"clear={one} names no stored secret; nothing was removed by it") for one in idle]


def _without_read_only(document: Document) -> tuple[Document, set[str]]:
    """Without what only answers carry, and the places that had a fingerprint."""
    document = {key: value for key, value in document.items() if key != JWT_MODE}
    fingerprinted = set()
    for path in _places(document):
        marker = path[-1] + FINGERPRINT
        if _at(document, (*path[:-1], marker)) is not None:
            fingerprinted.add(".".join(path))
        document = _drop(document, (*path[:-1], marker))
    return document, fingerprinted


# -- places: paths whose holder is in the document -------------------------------------------------------------------


def _places(document: Mapping[str, Any]) -> list[Path]:
    return [place for pattern in _PATTERNS for place in _expand(document, pattern, ())]


def _expand(node: Any, pattern: Path, path: Path) -> Iterator[Path]:
    if len(pattern) == 1:
        if isinstance(node, Mapping):
            yield (*path, pattern[0])
        return
    for name, inner in _members(node):
        if pattern[0] in ("*", name):
            yield from _expand(inner, pattern[1:], (*path, name))


def _members(node: Any) -> list[tuple[str, Any]]:
    if isinstance(node, list):
        return list(zip(_names(node), node, strict=True))
    return list(node.items()) if isinstance(node, Mapping) else []


def _names(entries: list[Any]) -> list[str]:
    """Issuers by their own name: when the list is put in another order, a kept secret must not become another's."""
    issuers = [entry.get("issuer") if isinstance(entry, Mapping) else None for entry in entries]
    times = Counter(issuer for issuer in issuers if isinstance(issuer, str) and not issuer.isdecimal())
    return [issuer if isinstance(issuer, str) and times[issuer] == 1 else str(at) for at, issuer in enumerate(issuers)]


def _at(document: Any, path: Path) -> Any:
    for name in path:
        document = dict(_members(document))[name] if isinstance(document, list) else document.get(name)
    return document


def _put(document: Document, path: Path, value: Any) -> Document:
    return dict(_edit(document, path[:-1], lambda holder: {**holder, path[-1]: value}))


def _drop(document: Document, path: Path) -> Document:
    return dict(
        _edit(document, path[:-1], lambda holder: {key: value for key, value in holder.items() if key != path[-1]})
    )


def _edit(node: Any, path: Path, change: Callable[[Mapping[str, Any]], Document]) -> Any:
    """A copy along the path; what lies beside it is shared."""
    if not path:
        return change(node)
    if isinstance(node, list):
        return [_edit(item, path[1:], change) if name == path[0] else item for name, item in _members(node)]
    return {**node, path[0]: _edit(node[path[0]], path[1:], change)}
