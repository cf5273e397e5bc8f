"""The worked examples of docs/jwt.md, run as they stand there: only the upstream's address is another."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from propylon.model.api_definition import parse_api
from tests.kit.definitions import jwt_api
from tests.kit.gateway import SAFETY_S, running_gateway
from tests.kit.origin import Origin

PAGE = (Path(__file__).parents[2] / "docs" / "jwt.md").read_text()
UPSTREAM = "http://127.0.0.1:9000/"


def blocks(language: str) -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return [text for written, text in fenced if written == language]


def test_every_command_does_what_the_page_says() -> None:
    settings, *commands = blocks("")
    assert settings.startswith("export GATEWAY=")
    with Origin() as origin, running_gateway() as gateway:
        script = "\n".join(commands).replace(UPSTREAM, f"{origin.url}/")
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {"PATH": path, "GATEWAY": gateway.url, "SECRET": gateway.secret}
        ran = subprocess.run(
            ["bash", "-eu", "-c", script],
            env=environment,
            capture_output=True,
            text=True,
            timeout=SAFETY_S,
            check=False,
        )
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert [line for line in lines if line.isdecimal()] == ["200", "403", "200", "200", "403"]
    assert all(json.loads(line)["status"] == "ok" for line in lines if not line.isdecimal())


def test_every_definition_on_the_page_is_one() -> None:
    for text in blocks("json"):
        parsed = parse_api(jwt_api("http://u/", **json.loads(text)), default_org_id="default")
        assert (parsed.problems, parsed.warnings, parsed.guards) == ([], [], [])
