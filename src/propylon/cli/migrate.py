"""`propylon migrate`: brings the records to the schema of this version; nodes of the version before may run on."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from propylon.errors import StoreUnavailable
from propylon.settings import Settings, load_settings
from propylon.stores.records.opening import migrate as migrate_records
from propylon.stores.records.placed import records_url_of
from propylon.stores.records.schema import CannotOpen

app = typer.Typer(add_completion=False)


@app.command()
def migrate(
    config: Annotated[Path | None, typer.Option(help="TOML file of settings; the environment wins.")] = None,
) -> None:
    """Bring the records to the newest schema. Safe while nodes of the version before are running."""
    settings = load_settings(config, os.environ)
    if not isinstance(settings, Settings):
        for problem in settings:
            print(f"setting {problem.path}: {problem.message}", file=sys.stderr)
        raise typer.Exit(2)
    try:
        applied = asyncio.run(migrate_records(records_url_of(settings), timeout_s=settings.store_timeout_s))
    except (CannotOpen, StoreUnavailable) as why:
        print(f"propylon cannot migrate: {getattr(why, 'detail', '') or why}", file=sys.stderr)
        raise typer.Exit(2) from why
    print("\n".join(applied) or "The records are current; nothing was changed.")
