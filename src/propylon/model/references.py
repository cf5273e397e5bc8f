"""References: values that stand outside a definition and are put in when it is loaded (design §7).

A reference is a whole string. What is stored keeps it; only what is compiled sees its value. Reads nothing itself:
environment, files and secrets are passed in.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from propylon.errors import Problem

DEPTH_MAX: Final = 64  # JSON nests as deep as its author likes, our stack does not
TYK_PREFIX: Final = "TYK_SECRET_"  # what Tyk puts before the name of an environment variable
OWN_PREFIX: Final = "PROPYLON_"  # our own settings, secrets among them, are nothing a definition may carry away

_ENVIRONMENT: Final = ("env://", "$secret_env.")
_FILES: Final = ("file://", "$secret_file.")
_SECRETS: Final = ("secrets://", "$secret_conf.")
_ELSEWHERE: Final = ("consul://", "vault://", "kv://", "$secret_consul.", "$secret_vault.", "$kv{")
_ALL: Final = (*_ENVIRONMENT, *_FILES, *_SECRETS, *_ELSEWHERE)


def is_reference(text: str) -> bool:
    return text.startswith(_ALL)


def references_in(value: object, path: tuple[str, ...] = ()) -> dict[str, str]:
    """Those of a document, by the path of their place. What nests deeper than DEPTH_MAX is left to `resolve`."""
    if isinstance(value, str):
        return {".".join(path): value} if is_reference(value) else {}
    if len(path) > DEPTH_MAX:
        return {}
    members: Iterable[tuple[str, object]] = ()
    if isinstance(value, Mapping):
        members = value.items()
    elif isinstance(value, list):
        members = ((str(index), inner) for index, inner in enumerate(value))
    return {place: text for key, inner in members for place, text in references_in(inner, (*path, key)).items()}


def resolve(
    document: Mapping[str, Any],
    environment: Mapping[str, str],
    files: Callable[[str], str],
    secrets: Mapping[str, str],
) -> tuple[dict[str, Any], list[Problem]]:
    """The document with its references replaced. `files` reads one path and may raise OSError or ValueError."""
    resolver = _Resolver(environment, files, secrets)
    return {key: resolver.value(value, (key,)) for key, value in document.items()}, resolver.problems


class _Resolver:
    def __init__(self, environment: Mapping[str, str], files: Callable[[str], str], secrets: Mapping[str, str]) -> None:
        self._environment = environment
        self._files = files
        self._secrets = secrets
        self.problems: list[Problem] = []

    def value(self, value: Any, path: tuple[str, ...]) -> Any:
        if isinstance(value, str):
            return self._text(value, path) if is_reference(value) else value
        if len(path) >= DEPTH_MAX and isinstance(value, Mapping | list):
            self._report(path[:1], f"nests deeper than {DEPTH_MAX} levels; flatten it")
            return value
        if isinstance(value, Mapping):
            return {key: self.value(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.value(inner, (*path, str(index))) for index, inner in enumerate(value)]
        return value

    def _text(self, reference: str, path: tuple[str, ...]) -> str:
        prefix = next(prefix for prefix in _ALL if reference.startswith(prefix))
        name = reference.removeprefix(prefix)
        if prefix in _ENVIRONMENT:
            return self._from_environment(name, path)
        if prefix in _FILES:
            return self._from_file(name, path)
        if prefix in _SECRETS:
            return self._found(
                self._secrets.get(name),
                f"there is no secret {name!r}: settings hold none yet; use env:// or file://",
                path,
            )
        return self._found(None, f"{prefix} is not supported; use env://, file:// or secrets://", path)

    def _from_environment(self, name: str, path: tuple[str, ...]) -> str:
        if name.upper().startswith(OWN_PREFIX):
            return self._found(None, f"variables that begin with {OWN_PREFIX} are the gateway's own; use another", path)
        value = self._environment.get(TYK_PREFIX + name.upper(), self._environment.get(name))
        remedy = (
            f"neither {TYK_PREFIX}{name.upper()} nor {name} is in the environment; set one where the gateway starts"
        )
        return self._found(value, remedy, path)

    def _from_file(self, name: str, path: tuple[str, ...]) -> str:
        try:
            return self._files(name)
        except (OSError, ValueError):
            remedy = f"the file {name!r} cannot be read as text; it must be readable and lie below files_path"
            return self._found(None, remedy, path)

    def _found(self, value: str | None, otherwise: str, path: tuple[str, ...]) -> str:
        if value is None:
            self._report(path, otherwise)
        return value or ""

    def _report(self, path: tuple[str, ...], message: str) -> None:
        self.problems.append(Problem(".".join(path), "reference_unresolved", message))
