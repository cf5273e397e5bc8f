"""The command line: `propylon COMMAND`. Knows where each command is, and loads only the one that is asked for.

`serve` is forked from, so what other commands need (tables, signing) must not be in its memory, and they not its own.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from propylon import __version__

COMMANDS: Final[Mapping[str, str]] = {
    "serve": "propylon.cli.serve",
    "migrate": "propylon.cli.migrate",
    "demo": "propylon.cli.demo",
    "keys": "propylon.cli.keys",
    "policies": "propylon.cli.policies",
    "apis": "propylon.cli.apis",
    "jwt": "propylon.cli.jwt",
    "check": "propylon.cli.check",
    "config": "propylon.cli.config",
    "audit-issuers": "propylon.cli.audit_issuers",
    "drill": "propylon.cli.drill",
    "users": "propylon.cli.users",
    "audit": "propylon.cli.audit",
}


class Commands(TyperGroup):
    """Each command is the `app` of its module."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*COMMANDS, *self.commands]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return self.commands.get(cmd_name)
        command = get_command(import_module(COMMANDS[cmd_name]).app)
        command.name = cmd_name
        return command


app = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def propylon() -> None:
    """An API gateway that speaks Tyk's wire formats."""


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


def main() -> None:
    """The `propylon` command."""
    app()


if __name__ == "__main__":
    main()
