"""The nodes of the example's compose file, as processes: its settings, its Redis configuration, its health checks."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.kit.client import get
from tests.kit.definitions import keyless_api
from tests.kit.fleet import migrate
from tests.kit.gateway import Gateway
from tests.kit.origin import Origin
from tests.kit.ports import free_port
from tests.kit.postgres import own_server
from tests.kit.waiting import SAFETY_S, eventually
from tests.release.fleet_example import FOLDER, Program, compose, of_compose
from tests.release.test_fleet_example import make_secrets

OF_ITS_PLACE = ("listen", "data_dir")


class Fleet(NamedTuple):
    control: Gateway
    gateway: Gateway


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    make_secrets(folder / "secrets")
    with ExitStack() as stack:
        postgres, redis_port = stack.enter_context(own_server()), stack.enter_context(example_redis(folder))
        postgres.sql("postgres", "CREATE DATABASE propylon OWNER propylon")
        places = {"@postgres/": f"@127.0.0.1:{postgres.port}/", "@redis/": f"@127.0.0.1:{redis_port}/"}
        programs = {program.name: program for program in of_compose()}
        nodes = [node(programs[name], folder, places) for name in ("control-1", "gateway-1")]
        migrate(nodes[0])
        for one in nodes:
            one.start()
            stack.callback(lambda running=one: running.kill() if running.is_running else None)
        yield Fleet(*nodes)


def node(program: Program, folder: Path, places: Mapping[str, str]) -> Gateway:
    """With the program's settings, at an address and in a folder of its own."""
    (folder / program.name).mkdir()
    settings: dict[str, Any] = {}
    for variable, text in program.environment.items():
        name = variable.removeprefix("PROPYLON_").lower()
        settings[name.removesuffix("_file")] = _secret(folder, text, places) if name.endswith("_file") else text
    made = Gateway(folder / program.name, {name: one for name, one in settings.items() if name not in OF_ITS_PLACE})
    made.secret = settings["secret"]
    return made


def _secret(folder: Path, path: str, places: Mapping[str, str]) -> str:
    text = (folder / "secrets" / Path(path).name).read_text().strip()
    for named, here in places.items():
        text = text.replace(named, here)
    return text


@contextmanager
def example_redis(folder: Path) -> Iterator[int]:
    """The port of a server with the example's configuration and password."""
    auth, port = folder / "secrets" / "redis_auth", free_port()
    command = ["redis-server", FOLDER / "redis.conf", "--port", str(port), "--bind", "127.0.0.1", "--dir", folder]
    with subprocess.Popen([*command, "--include", auth], stdout=subprocess.DEVNULL) as process:
        try:
            eventually(lambda: _answers(port, auth.read_text().split()[1]))
            yield port
        finally:
            process.kill()


def _answers(port: int, password: str) -> bool:
    try:
        with Redis(port=port, password=password, socket_timeout=SAFETY_S) as client:
            return bool(client.ping())
    except RedisError:
        return False


def test_what_a_control_node_takes_a_gateway_node_serves(fleet: Fleet) -> None:
    with Origin() as origin:
        added = fleet.control.api("POST", "/tyk/apis", keyless_api(origin.url))
        assert added.status == 200, added.body
        assert get(f"{fleet.gateway.url}/keyless/").status == 200


@pytest.mark.parametrize("which", ["control", "gateway"])
def test_a_health_check_passes_on_a_node_that_runs_and_on_no_other(fleet: Fleet, which: str) -> None:
    _, python, *arguments = compose()["services"][f"{which}-1"]["healthcheck"]["test"]
    assert python == "python"
    for port, is_well in ((getattr(fleet, which).port, True), (free_port(), False)):
        command = [sys.executable, *(one.replace("8080", str(port)) for one in arguments)]
        done = subprocess.run(command, env=dict(os.environ), capture_output=True, timeout=SAFETY_S, check=False)
        assert (done.returncode == 0) == is_well, done.stderr
