"""The records of a node, opened by a command that works on them directly: for whoever is locked out, or checks them.

A running node need not stop: transactions on the records take turns, whoever makes them.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

import typer

from propylon.cli.ending import NO, WRONG_USE, stop
from propylon.clock import Clock, SystemClock
from propylon.control.envelope import Refused
from propylon.control.people.caller import Caller, super_admin
from propylon.control.people.signing_in import SigningIn
from propylon.errors import StoreUnavailable
from propylon.settings import Settings, load_settings
from propylon.startup import CannotStart, root_secrets
from propylon.stores.records.opening import open_records
from propylon.stores.records.placed import records_url_of
from propylon.stores.records.records import Records
from propylon.stores.records.schema import CannotOpen
from propylon.stores.records.writes import Actor
from propylon.stores.root_secrets import RootSecretMismatch
from propylon.stores.sealing import Sealing

Result = TypeVar("Result")
Config = Annotated[Path | None, typer.Option(help="TOML file of settings; the environment wins.")]
OPERATOR: Caller = super_admin(Actor("cli"))


class OwnDesk(NamedTuple):
    settings: Settings
    sealing: Sealing
    records: Records
    clock: Clock
    signing_in: SigningIn


def with_records(config: Path | None, work: Callable[[OwnDesk], Awaitable[Result]]) -> Result:
    """Ends the command with what is wrong: 1 for what is refused, 2 where the records cannot be had."""
    settings = load_settings(config, os.environ)
    if not isinstance(settings, Settings):
        stop(WRONG_USE, "\n".join(f"setting {problem.path}: {problem.message}" for problem in settings))
    if not settings.has_postgres and not settings.records_path.exists():
        stop(
            WRONG_USE,
            f"there are no records at {settings.records_path}; set data_dir or records_url as the node has it",
        )
    try:
        return asyncio.run(_run(settings, work))
    except (CannotOpen, CannotStart, RootSecretMismatch) as why:
        stop(WRONG_USE, f"the records cannot be opened: {why}")
    except StoreUnavailable as failure:
        stop(WRONG_USE, f"the records cannot be used: {failure.detail}")
    except Refused as refused:
        stop(NO, refused.message)


async def _run(settings: Settings, work: Callable[[OwnDesk], Awaitable[Result]]) -> Result:
    given, clock = root_secrets(settings), SystemClock()
    url, timeout_s = records_url_of(settings), settings.store_timeout_s
    records = await open_records(url, given.current, other=given.other, clock=clock, timeout_s=timeout_s)
    try:
        return await work(OwnDesk(settings, records.sealing, records, clock, SigningIn(records, clock)))
    finally:
        await records.close()
