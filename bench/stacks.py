"""Reads what py-spy sampled: collapsed stacks into shares of time by room and by function. Pure.

Time inside uvloop, LMDB or the kernel belongs to the Python function that called it; the loop's own work is what the
outermost function keeps for itself.
"""

import re
from collections import Counter
from typing import NamedTuple

FUNCTIONS_SHOWN = 30
OURS = re.compile(r"\bpropylon/(?P<room>\w+)(?:/|\.py)")
FRAME = re.compile(r"^(?P<name>.+) \((?P<file>[^()]+?)(?::\d+)?\)$")


class Share(NamedTuple):
    """How many samples ended in a thing itself, and how many went through it."""

    own: int
    through: int


class Profile(NamedTuple):
    samples: int
    rooms: dict[str, Share]
    functions: dict[str, Share]


def read_profile(collapsed: str) -> Profile:
    """From py-spy's raw format: frames joined by ";", outermost first, then the number of samples."""
    samples = 0
    counts = {"rooms": (Counter[str](), Counter[str]()), "functions": (Counter[str](), Counter[str]())}
    for line in collapsed.splitlines():
        stack, _, number = line.rpartition(" ")
        frames = stack.split(";")
        samples += int(number)
        for kind, names in (("rooms", [room(frame) for frame in frames]), ("functions", [*map(function, frames)])):
            own, through = counts[kind]
            own[names[-1]] += int(number)
            through.update(dict.fromkeys(names, int(number)))
    return Profile(samples, _shares(*counts["rooms"]), _shares(*counts["functions"]))


def room(frame: str) -> str:
    """propylon.<room> for ours, the package for others'."""
    if ours := OURS.search(frame):
        return f"propylon.{ours['room']}"
    file = match["file"] if (match := FRAME.match(frame)) else frame
    return file.removesuffix(".py").split("/")[0]


def function(frame: str) -> str:
    """Without its line, so that all lines of a function add up."""
    match = FRAME.match(frame)
    return f"{match['name']} ({match['file']})" if match else frame


def profile_table(profile: Profile) -> str:
    return "\n\n".join(
        (
            f"{profile.samples} samples.",
            _table("room", profile, profile.rooms),
            _table("function", profile, profile.functions),
        )
    )


def _shares(own: Counter[str], through: Counter[str]) -> dict[str, Share]:
    """Those that keep most time for themselves first."""
    names = sorted(through, key=lambda name: (-own[name], -through[name], name))
    return {name: Share(own[name], through[name]) for name in names}


def _table(what: str, profile: Profile, shares: dict[str, Share]) -> str:
    lines = [f"| {what} | self | total |", "|---|---|---|"]
    for name, share in list(shares.items())[:FUNCTIONS_SHOWN]:
        lines.append(f"| {name} | {_percent(share.own, profile)} | {_percent(share.through, profile)} |")
    return "\n".join(lines)


def _percent(samples: int, profile: Profile) -> str:
    return f"{100 * samples / profile.samples:.1f} %" if profile.samples else "–"
