"""How a command ends: 0 done, 1 the answer is no, 2 wrong use or no gateway to ask."""

import sys
from typing import Final, NoReturn

import typer

NO: Final = 1
WRONG_USE: Final = 2


def stop(code: int, sentence: str) -> NoReturn:
    """One sentence on stderr that says what is wrong and what to do."""
    print(sentence, file=sys.stderr)
    raise typer.Exit(code)


def warn(sentence: str) -> None:
    print(f"warning: {sentence}", file=sys.stderr)
