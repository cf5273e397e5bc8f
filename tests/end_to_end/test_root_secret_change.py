"""Another root secret for a running fleet, step by step as `docs/backup.md` has it: no client notices.

Nodes take the place of themselves (SIGUSR2), so that each request has somewhere to go.
"""

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import insert

from propylon.stores.records.opening import open_records
from propylon.stores.records.tables import keys
from propylon.stores.sealing import RootSecret
from tests.end_to_end.test_fleet_operations import metrics, ready
from tests.end_to_end.test_upgrade import replace_itself
from tests.kit.client import get
from tests.kit.definitions import jwt_api, policy, session, token_api
from tests.kit.fleet import ROOT_SECRET, Fleet, running_fleet
from tests.kit.gateway import SAFETY_S, Gateway
from tests.kit.load import Outcome, by_status, get_request, load
from tests.kit.origin import Origin
from tests.kit.tokens import SECRET, hs256
from tests.kit.waiting import eventually

OLD, NEW = ROOT_SECRET, "the-next-root-secret-that-all-nodes-of-the-test-share"
OLD_PRINT, NEW_PRINT = (RootSecret.from_text(text).fingerprint for text in (OLD, NEW))
MANY = 3_000  # keys with a secret: sealing them anew takes long enough to be killed on the way
PATH = "jwt_data.secret"
API_SECRET = "the-secret-of-an-api-32-characters"


def ways_in() -> dict[str, dict[str, str]]:
    """By path: a hashed key, a key that holds its own secret, a secret in a definition."""
    return {
        "/token/": {"Authorization": "the-key"},
        "/jwt/": {"Authorization": f"Bearer {hs256({'sub': 'a'}, kid='signer')}"},
        "/shared/": {"Authorization": f"Bearer {hs256({'sub': 'b'}, API_SECRET)}"},
    }


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    source = base64.b64encode(API_SECRET.encode()).decode()
    with Origin() as origin, running_fleet(settings={"store_timeout_s": 10}) as made:
        call(made, "POST", "/tyk/policies", policy("all", "shared"))
        for api in (
            token_api(origin.url),
            jwt_api(origin.url),
            jwt_api(origin.url, "shared", jwt_source=source, jwt_default_policies=["all"]),
        ):
            call(made, "POST", "/tyk/apis", api)
        call(made, "POST", "/tyk/keys/the-key", session("token"))
        call(made, "POST", "/tyk/keys/signer", jwt_key())
        asyncio.run(put_many(made))
        yield made
        for node in (made.control, *made.nodes):
            print(node.folder.name, node.stderr_path.read_text(), file=sys.stderr)


def jwt_key() -> dict[str, Any]:
    return session("jwt", jwt_data={"secret": SECRET})


def call(fleet: Fleet, method: str, path: str, body: object = None) -> dict[str, Any]:
    answer = fleet.control.api(method, path, body)
    assert answer.status == 200, answer.body
    read: dict[str, Any] = json.loads(answer.body)
    return read


async def put_many(fleet: Fleet) -> None:
    """As the Gateway API would have written them, and much quicker."""
    root_secret = RootSecret.from_text(OLD)
    records = await open_records(fleet.stores.records_url, root_secret, timeout_s=SAFETY_S)
    rows = [
        {
            "record_id": number,
            "org_id": "default",
            "key_hash": f"{number:064}",
            "kind": "jwt_key",
            "session": json.dumps(session("jwt")),
            "secrets": json.dumps({PATH: root_secret.seal("hush", f"keys:{number}:{PATH}")}),
            "created_at": 1.0,
            "updated_at": 1.0,
        }
        for number in range(MANY, 2 * MANY)
    ]
    async with records._writing() as connection:
        await connection.execute(insert(keys), rows)
    await records.close()


def give(node: Gateway, **settings: str) -> None:
    """These in the place of the root secrets that its file has."""
    lines = [line for line in node.config.read_text().splitlines() if not line.startswith("root_secret")]
    lines += [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    node.config.write_text("\n".join(lines) + "\n")


def step(fleet: Fleet, **settings: str) -> None:
    for node in (fleet.control, *fleet.nodes):
        give(node, **settings)
        replace_itself(node)


def sealed_with(fleet: Fleet, fingerprint: str) -> int:
    head = f'"1.{fingerprint.removeprefix("sha256:")}.'
    database = fleet.stores.records_url.rpartition("/")[2]
    counts = [f"(SELECT count(*) FROM {table} WHERE secrets LIKE '%{head}%')" for table in ("keys", "apis")]
    return int(fleet.postgres.sql(database, f"SELECT {' + '.join(counts)}"))


def kill_control(fleet: Fleet) -> None:
    """The process, and not its node: it is of the node's session, whichever parent has it now."""
    title = ["pgrep", "-s", str(fleet.control.pid), "-f", "^propylon: control"]
    found = subprocess.run(title, capture_output=True, text=True, check=True).stdout.split()
    os.kill(int(found[0]), signal.SIGKILL)


def left(fleet: Fleet) -> float:
    """-1 while nobody knows or answers."""
    try:
        return metrics(fleet.control).get("propylon_control_sealed_with_other", -1)
    except OSError:
        return -1


class Writer(threading.Thread):
    """Keys with a secret, one after another; each works on every node once its write is answered."""

    def __init__(self, fleet: Fleet) -> None:
        super().__init__(daemon=True)
        self.fleet = fleet
        self.written: list[str] = []
        self.refused: list[object] = []
        self.is_over = False

    def run(self) -> None:
        while not self.is_over:
            name = f"written-{len(self.written)}"
            try:
                answer = self.fleet.control.api("POST", f"/tyk/keys/{name}", jwt_key())
            except (OSError, AssertionError):  # control is being replaced, or was killed; it may have written it
                answer = None
            if answer is None:
                time.sleep(0.05)
            elif answer.status != 200:
                self.refused.append(answer)
                return
            else:
                self.written.append(name)
                self._use(name)

    def _use(self, name: str) -> None:
        token = hs256({"sub": "a"}, kid=name)
        for node in self.fleet.nodes:
            answer = get(f"{node.url}/jwt/", {"Authorization": f"Bearer {token}"})
            if answer.status != 200:
                self.refused.append((name, answer))


async def under_load(nodes: Sequence[Gateway], work: Callable[[], None]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    is_over = False
    loads = [
        asyncio.ensure_future(
            load(
                node.port,
                get_request(path, fields),
                connections=1,
                until=lambda: is_over,
                pause_s=0.05,
                into=outcomes,
            )
        )
        for node in nodes
        for path, fields in ways_in().items()
    ]
    try:
        with ThreadPoolExecutor(1) as thread:
            await asyncio.get_running_loop().run_in_executor(thread, work)
    finally:
        is_over = True
        await asyncio.gather(*loads)
    return outcomes


def test_a_fleet_gets_another_root_secret_under_load_and_fails_no_request(fleet: Fleet) -> None:
    seen = what_people_see(fleet)
    writer = Writer(fleet)

    def change() -> None:
        writer.start()
        step(fleet, root_secret=OLD, root_secret_other=NEW)
        give(fleet.control, root_secret=NEW, root_secret_other=OLD)
        replace_itself(fleet.control)
        eventually(lambda: sealed_with(fleet, NEW_PRINT) > 0)
        kill_control(fleet)
        for node in fleet.nodes:
            give(node, root_secret=NEW, root_secret_other=OLD)
            replace_itself(node)
        eventually(lambda: left(fleet) == 0)
        assert sealed_with(fleet, OLD_PRINT) == 0
        step(fleet, root_secret=NEW)
        writer.is_over = True
        writer.join(SAFETY_S)

    outcomes = asyncio.run(under_load(fleet.nodes, change))
    assert by_status(outcomes).keys() == {200}, by_status(outcomes)
    assert not writer.refused
    assert len(writer.written) > 3
    assert what_people_see(fleet) == seen
    assert f"nothing is sealed with root_secret_other, {OLD_PRINT}" in fleet.control.stderr_path.read_text()
    logs = [node.stderr_path.read_text() for node in (fleet.control, *fleet.nodes)]
    assert not [log for log in logs if OLD in log or NEW in log]
    database = fleet.stores.records_url.rpartition("/")[2]
    assert fleet.postgres.sql(database, "SELECT fingerprint FROM settings_check") == NEW_PRINT
    for settings, why in [
        ({"root_secret": OLD}, f"the root secret {OLD_PRINT} is not {NEW_PRINT}, which the records are sealed with"),
        ({"root_secret": f"{NEW} and not"}, f"is not {NEW_PRINT}, which the records are sealed with"),
    ]:
        for node in (fleet.control, fleet.nodes[0]):
            assert why in refused(node, settings)


def test_a_node_that_goes_on_too_early_is_refused_and_told_what_to_do(fleet: Fleet) -> None:
    for node in (fleet.control, fleet.nodes[0]):
        node.stop()
        assert f"the root secret {NEW_PRINT} is not {OLD_PRINT}" in refused(node, {"root_secret": NEW})
    second_step = {"root_secret": NEW, "root_secret_other": OLD}
    assert f"{NEW_PRINT} was not announced to the other nodes" in refused(fleet.control, second_step)
    give(fleet.control, root_secret=OLD, root_secret_other=NEW)
    fleet.control.start()
    fleet.control.stop()
    give(fleet.control, **second_step)
    fleet.control.start()
    fleet.control.kill()
    left = sealed_with(fleet, OLD_PRINT)
    why = refused(fleet.control, {"root_secret": NEW}) if left else ""
    assert not left or f"{left} keys, APIs and policies are still sealed with the root secret {OLD_PRINT}" in why
    assert f"something may still be sealed with the root secret {OLD_PRINT}; set root_secret_other to it" in refused(
        fleet.nodes[0], {"root_secret": NEW}
    )
    give(fleet.control, **second_step)
    fleet.control.start()
    eventually(lambda: left_on_ready(fleet) == 0)
    fleet.control.stop()
    for node in (fleet.control, fleet.nodes[0]):
        give(node, root_secret=NEW)
        node.start()
    for path, fields in ways_in().items():
        assert get(fleet.nodes[0].url + path, fields).status == 200


def left_on_ready(fleet: Fleet) -> object:
    return ready(fleet.control)[1]["details"].get("sealed_with_other_root_secret")


def what_people_see(fleet: Fleet) -> list[object]:
    """Hashes, etags and all else that is shown of a key and an API; and what they open."""
    shown = [call(fleet, "GET", path) for path in ("/tyk/keys/signer", "/tyk/keys/the-key", "/tyk/apis/shared")]
    etags = [fleet.control.api("GET", path).value("etag") for path in ("/tyk/keys/signer", "/tyk/apis/shared")]
    statuses = [get(node.url + path, fields).status for node in fleet.nodes for path, fields in ways_in().items()]
    return [shown, etags, statuses]


def refused(node: Gateway, settings: Mapping[str, str]) -> str:
    """Why it does not start with these; in a folder of its own, so that a running one is not in the way."""
    give(node, **settings)
    beside = node.folder / "beside"
    beside.mkdir(exist_ok=True)
    config = beside / "propylon.toml"
    own = ("listen", "data_dir", "metrics_listen")
    lines = [line for line in node.config.read_text().splitlines() if not line.startswith(own)]
    config.write_text("\n".join([*lines, 'listen = "127.0.0.1:0"', f"data_dir = {json.dumps(str(beside))}"]))
    command = [sys.executable, "-m", "propylon.cli.main", "serve", "--config", str(config)]
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PROPYLON_")}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SAFETY_S, check=False)
    assert ended.returncode == 2, ended
    return ended.stderr
