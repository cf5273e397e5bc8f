"""The worked examples of docs/explain.md, run as they stand there, with the outcomes that stand behind them."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.kit.gateway import SAFETY_S, running_gateway
from tests.kit.origin import Origin

PAGE = (Path(__file__).parents[2] / "docs" / "explain.md").read_text()
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_command_says_what_stands_behind_it() -> None:
    blocks = [(kind, text) for kind, text in BLOCK.findall(PAGE) if "export GATEWAY" not in text]
    commands = "".join(text for kind, text in blocks if not kind)
    expected = "".join(text for kind, text in blocks if kind == "text")
    with Origin() as origin, running_gateway() as gateway:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        ran = subprocess.run(
            ["bash", "-eu", "-c", commands.replace("http://127.0.0.1:9000/", f"{origin.url}/")],
            env={"PATH": path, "GATEWAY": gateway.url, "SECRET": gateway.secret},
            capture_output=True,
            text=True,
            timeout=SAFETY_S,
            check=False,
        )
    assert (ran.stderr, ran.stdout) == ("", expected)
