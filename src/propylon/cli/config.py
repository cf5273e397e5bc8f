"""`propylon config`: the settings in force, as the gateway would take them from the same file and environment.

Nothing secret is printed, so what is printed can be shown around; and no gateway could be started with it by mistake.
"""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from propylon.cli.ending import WRONG_USE
from propylon.cli.printing import plain, problem_text
from propylon.errors import Problem
from propylon.settings import Settings, load_settings, warnings_of
from propylon.settings.shown import Shown, is_masked, shown_settings

app = typer.Typer(add_completion=False)

_ESCAPES: Final = {ord('"'): '\\"', ord("\\"): "\\\\"}


@app.command()
def config(
    config: Annotated[Path | None, typer.Option(help="TOML file of settings; the environment wins.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """Print the settings in force, without secrets. 2 and every problem if they are wrong."""
    settings = load_settings(config, os.environ)
    if not isinstance(settings, Settings):
        _print_problems(settings, as_json=as_json)
        raise typer.Exit(WRONG_USE)
    shown = shown_settings(settings)
    if as_json:
        print(json.dumps(shown))
    else:
        for name, value in shown.items():
            print(_line(name, value, is_default=name not in settings.model_fields_set))
    for warning in warnings_of(settings):
        print(plain(f"warning: {problem_text(warning._asdict())}"), file=sys.stderr)


def _print_problems(problems: list[Problem], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"problems": [problem._asdict() for problem in problems]}))
    for problem in problems:
        print(plain(f"setting {problem.path}: {problem.message}"), file=sys.stderr)


def _line(name: str, value: Shown, *, is_default: bool) -> str:
    """One of a TOML file. What is unset or masked stands in a comment: TOML has no word for it, and a mask is none."""
    if value is None or is_masked(name):
        return f"# {name} is {'set, and not shown' if value else 'unset'}"
    return f"{name} = {_toml(value)}{'  # default' if is_default else ''}"


def _toml(value: Shown) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_toml(one) for one in value)}]"
    if isinstance(value, str):
        return '"' + "".join(_escaped(character) for character in value) + '"'
    return json.dumps(value)


def _escaped(character: str) -> str:
    """What a terminal would act on is written out, as TOML does."""
    if character.isprintable():
        return character.translate(_ESCAPES)
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
