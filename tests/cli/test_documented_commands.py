"""`docs/cli.md` is run, and speaks of every command."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from propylon.cli.main import COMMANDS
from tests.kit.command import propylon
from tests.kit.gateway import Gateway, running_gateway
from tests.kit.origin import Origin

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
BLOCKS = re.findall(r"^```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXIT = re.compile(r"\s*# exit (\d)$")
PLAYED_ELSEWHERE = "propylon drill"  # by test_drill, as it takes half a minute


def commands() -> Iterator[str]:
    """Line by line, a here-document with its line; without the block that sets the variables."""
    for block in BLOCKS[1:]:
        yield from re.findall(r"(?s:^cat .*?^EOF$)|^(?!cat ).+$", block, re.MULTILINE)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with running_gateway() as running:
        yield running


def test_the_page_s_commands_do_what_it_says(gateway: Gateway, tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {"PATH": path, "PROPYLON_URL": gateway.url, "PROPYLON_SECRET": gateway.secret, "COLUMNS": "200"}
    with Origin() as origin:
        for line in commands():
            if line.startswith(PLAYED_ELSEWHERE):
                continue
            command = EXIT.sub("", line).replace("http://127.0.0.1:9000", origin.url)
            ended = subprocess.run(
                ["bash", "-c", command], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False
            )
            expected = EXIT.search(line)
            assert ended.returncode == (int(expected[1]) if expected else 0), (line, ended.stdout, ended.stderr)


def test_the_page_names_every_command() -> None:
    inline = re.findall(r"`[^`]+`", re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL))
    words = set(re.findall(r"[a-z-]+", " ".join([*inline, *commands()])))
    groups = ("keys", "policies", "apis", "jwt", "drill")
    subcommands = [name for group in groups for name in _subcommands(group)]
    assert len(subcommands) > 20
    assert not [name for name in (*COMMANDS, *subcommands) if name not in words]


def _subcommands(group: str) -> list[str]:
    return re.findall(r"^│ ([a-z-]+)  ", propylon(group, "--help").out, re.MULTILINE)
