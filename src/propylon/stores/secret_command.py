"""A secret that another program gives: the client of a vault, run once at a start. Nothing of it is logged."""

import os
import shlex
import signal
import subprocess
from typing import Final

WITHIN_S: Final = 30.0  # a person may have to touch a key; past it the start fails
SAID_MAX: Final = 200  # characters of what the command wrote on standard error


class CommandFailed(Exception):
    """Why a command gave no secret; says nothing of its output."""


def output_of(command: str, *, within_s: float = WITHIN_S) -> str:
    """What it writes on standard output; it is split into words as a shell does, and no shell runs it.

    Raises CommandFailed.
    """
    try:
        process = subprocess.Popen(
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # so that whatever it started ends with it
        )
    except OSError as error:
        raise CommandFailed(f"cannot be run: {error.strerror}; correct it") from error
    with process:
        output, said = _ended(process, within_s)
    if process.returncode != 0:
        first = next(iter(said.strip().splitlines()), "it wrote nothing on standard error")
        raise CommandFailed(f"ended with exit code {process.returncode}: {first[:SAID_MAX]}")
    return output


def _ended(process: "subprocess.Popen[str]", within_s: float) -> tuple[str, str]:
    """Its output and its errors."""
    try:
        return process.communicate(timeout=within_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise CommandFailed(f"did not end within {within_s:g} s; run it by hand to see why") from None
    except UnicodeDecodeError:
        raise CommandFailed("does not write UTF-8 text") from None
