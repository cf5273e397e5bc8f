"""The command line: reads arguments, calls, prints. Knows settings and the composition root, nothing behind them."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from propylon import __version__
from propylon.cli.demo import run_demo
from propylon.server import serve as serve_gateway
from propylon.settings import Settings, load_settings

app = typer.Typer(no_args_is_help=True, add_completion=False, help="An API gateway that speaks Tyk's wire formats.")


@app.command()
def serve(
    config: Annotated[Path | None, typer.Option(help="TOML file of settings; the environment wins.")] = None,
) -> None:
    """Run the gateway until SIGTERM."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = load_settings(config, os.environ)
    if not isinstance(settings, Settings):
        for problem in settings:
            print(f"setting {problem.path}: {problem.message}", file=sys.stderr)
        raise typer.Exit(2)
    for warning in settings.warnings():
        logging.getLogger("propylon.settings").warning("setting %s: %s", warning.path, warning.message)
    raise typer.Exit(serve_gateway(settings))


@app.command()
def demo(
    listen: Annotated[str, typer.Option(help="host:port of the gateway.")] = "127.0.0.1:8080",
    data_dir: Annotated[Path, typer.Option(help="Folder the demo keeps its keys and counters in.")] = Path(
        ".propylon/demo"
    ),
) -> None:
    """Run the gateway with four example APIs and print commands to try them."""
    raise typer.Exit(run_demo(listen, data_dir))


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


def main() -> None:
    """The `propylon` command."""
    app()


if __name__ == "__main__":
    main()
