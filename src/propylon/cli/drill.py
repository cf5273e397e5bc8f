"""`propylon drill rotate-issuer`: an issuer's rotation played through, before the real one.

The issuer is one of our own on loopback, and the gateway a throw-away one with the real settings (`trial_gateway`):
nothing is asked of, or done to, a gateway that runs.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from propylon.cli.calls import Unreachable
from propylon.cli.ending import NO, WRONG_USE, stop
from propylon.cli.gateway import Json
from propylon.cli.printing import line
from propylon.cli.rotation import Rotation, Stage
from propylon.cli.trial_gateway import NotStarted, TrialGateway
from propylon.cli.trial_issuer import TrialIssuer

app = typer.Typer(no_args_is_help=True, add_completion=False, help="What would happen, played before it does.")

Config = Annotated[Path | None, typer.Option("--config", help="TOML file of the real settings; the environment wins.")]


@app.callback()
def drill() -> None:
    """A group, though it has one command."""


@app.command("rotate-issuer")
def rotate_issuer(config: Config = None, as_json: Json = False) -> None:
    """Play an issuer's rotation and its mishaps against your settings. 1 if a sound token was refused on the way."""
    stages: list[Stage] = []
    try:
        with TrialIssuer() as issuer, TrialGateway(config, {"allow_insecure_jwks": "true"}) as gateway:
            if not as_json:
                line(f"a throw-away gateway with your settings, an issuer at {issuer.url}; about a minute")
            for stage in Rotation(issuer, gateway).play():
                stages.append(stage)
                if not as_json:
                    _print(stage)
    except NotStarted as trouble:
        stop(WRONG_USE, f"the gateway does not start with these settings:\n{trouble}")
    except Unreachable as trouble:
        stop(WRONG_USE, f"the throw-away gateway stopped answering: {trouble}")
    failed = sum(not stage.is_well for stage in stages)
    line(json.dumps([stage._asdict() for stage in stages]) if as_json else f"{len(stages)} stages, {failed} went wrong")
    if failed:
        raise typer.Exit(NO)


def _print(stage: Stage) -> None:
    line(f"{'ok' if stage.is_well else 'NO':<4}{stage.name}")
    for seen in stage.seen:
        line(f"    {seen}")
    line(f"    key set fetched {stage.fetches} times")
