"""`propylon serve`: settings read, then the gateway runs. Knows settings and the composition root, nothing behind."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from propylon.server import serve as serve_gateway
from propylon.settings import Settings, load_settings, warnings_of

app = typer.Typer(add_completion=False)


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
    for warning in warnings_of(settings):
        logging.getLogger("propylon.settings").warning("setting %s: %s", warning.path, warning.message)
    raise typer.Exit(serve_gateway(settings))
