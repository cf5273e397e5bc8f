"""From a TOML file and an environment to Settings, or to every Problem at once. The environment wins.

`PROPYLON_<NAME>` gives a value, `PROPYLON_<NAME>_FILE` the path of a file whose stripped content is the value.
A name that no setting has is a Problem: a misspelt limit would otherwise be no limit.
"""

import difflib
from collections.abc import Mapping
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any, Final

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource, TomlConfigSettingsSource

from propylon.errors import Problem
from propylon.settings.checks import MAKE_SECRET
from propylon.settings.values import Settings

PREFIX: Final = "PROPYLON_"
FILE_SUFFIX: Final = "_FILE"
OF_COMMANDS: Final = frozenset({"PROPYLON_URL"})  # says where a gateway runs, to the commands that ask it


def load_settings(config: Path | None, environment: Mapping[str, str]) -> Settings | list[Problem]:
    """Every problem is listed with the name of its setting and the remedy; no secret is ever part of one."""
    problems: list[Problem] = []
    in_file = _file_values(config, problems)
    in_environment = _environment_values(environment, problems)
    places = dict.fromkeys(in_file, str(config)) | {name: PREFIX + name.upper() for name in in_environment}
    try:
        settings = Settings(**in_file | in_environment)
    except ValidationError as invalid:
        told = {problem.path for problem in problems}
        found = [_problem(error, places) for error in invalid.errors(include_url=False)]
        return problems + [problem for problem in found if problem.path not in told]
    return problems or settings


def _file_values(config: Path | None, problems: list[Problem]) -> dict[str, Any]:
    if config is None:
        return {}
    if not config.is_file():
        problems.append(Problem("", "config_missing", f"there is no file {config}; create it or correct --config"))
        return {}
    try:
        return TomlConfigSettingsSource(Settings, toml_file=config)()
    except (OSError, UnicodeDecodeError, TOMLDecodeError) as error:
        problems.append(Problem("", "config_unreadable", f"{config} is not readable as TOML: {error}"))
        return {}


def _environment_values(environment: Mapping[str, str], problems: list[Problem]) -> dict[str, Any]:
    """Values by setting name. An unknown name, an unreadable file, or both forms of one name are problems."""
    texts: dict[str, str] = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or variable in OF_COMMANDS:
            continue
        plain = variable.removesuffix(FILE_SUFFIX)
        name = _setting_name(plain)
        if name is None:
            problems.append(_unknown(variable, plain.removeprefix(PREFIX).lower()))
        elif plain == variable:
            texts[variable.lower()] = text
        elif plain in environment:
            problems.append(Problem(name, "given_twice", f"{plain} and {variable} are both set; keep one"))
        else:
            _read_into(texts, name, Path(text), variable, problems)
    source = EnvSettingsSource(Settings)
    source.env_vars = texts
    return source()


def _read_into(texts: dict[str, str], name: str, path: Path, variable: str, problems: list[Problem]) -> None:
    try:
        texts[(PREFIX + name).lower()] = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        problems.append(Problem(name, "file_unreadable", f"{variable} names {path}, which is not readable: {reason}"))


def _setting_name(variable: str) -> str | None:
    name = variable.removeprefix(PREFIX)
    return name.lower() if name == name.upper() and name.lower() in Settings.model_fields else None


def _unknown(given: str, name: str) -> Problem:
    near = difflib.get_close_matches(name, Settings.model_fields, n=1)
    remedy = f"did you mean {near[0]}?" if near else "docs/settings.md lists them all"
    return Problem(given, "setting_unknown", f"no setting has this name; {remedy}")


def _problem(error: ErrorDetails, places: Mapping[str, str]) -> Problem:
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return _unknown(name, name)
    if error["type"] == "missing":
        return Problem(name, "setting_missing", f"is required; {MAKE_SECRET} and set {PREFIX}{name.upper()}")
    text = str(error["ctx"]["error"]) if error["type"] == "value_error" else error["msg"]
    place = places.get(name)
    if place is None:
        return Problem(name, "setting_invalid", text)
    given = f"{place}: {error['input']!r}" if _may_be_shown(name) else place
    return Problem(name, "setting_invalid", f"{text} (given in {given})")


def _may_be_shown(name: str) -> bool:
    """Neither secrets nor URLs, which may carry a password."""
    return Settings.model_fields[name].annotation is not SecretStr and not name.endswith(("_url", "_endpoint"))
