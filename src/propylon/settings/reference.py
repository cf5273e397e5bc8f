"""The reference page of the settings, made from the settings themselves."""

from typing import Final

from pydantic import SecretStr

from propylon.settings.values import Settings

HEAD: Final = """\
# Settings

What one process needs to start. A change needs a restart.

Each is written in the TOML file that `--config` names, as `name = value`, or in the environment as `PROPYLON_<NAME>`
in capitals; `PROPYLON_<NAME>_FILE` names a file whose content, without surrounding blanks, is the value. The
environment wins. Relative paths start at the working directory. Names ending in `_s` are seconds, in `_bytes` bytes.
A list is comma-separated in the environment. A name that is not on this page is refused.

| setting | default | what it is for |
|---|---|---|
"""


def settings_reference_markdown() -> str:
    """The content of `docs/settings.md`."""
    return HEAD + "".join(_row(name) for name in Settings.model_fields)


def _row(name: str) -> str:
    field = Settings.model_fields[name]
    assert field.description is not None
    return f"| `{name}` | {_default(name)} | {' '.join(field.description.split())} |\n"


def _default(name: str) -> str:
    """As it would be written in the TOML file; words where it has no fixed value."""
    field = Settings.model_fields[name]
    if field.is_required():
        return "required"
    if field.default_factory is not None:
        return "one per core"
    value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    if value is None or value in ("", ()):
        return "unset"
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"
