"""`docs/backup.md`, followed on empty folders and databases: what holds afterwards, what is refused, in which words."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.kit.client import get
from tests.kit.definitions import jwt_api, policy, session, token_api
from tests.kit.fleet import Fleet, migrate, running_fleet
from tests.kit.gateway import SAFETY_S, Gateway
from tests.kit.origin import Origin
from tests.kit.postgres import program
from tests.kit.tokens import SECRET, hs256
from tests.kit.waiting import eventually

PAGE = (Path(__file__).parents[2] / "docs" / "backup.md").read_text()
API_SECRET = "the-secret-of-an-api-32-characters"
ANOTHER = "another-root-secret-than-the-one-of-the-backup"
FINGERPRINT = re.compile(r"sha256:[0-9a-f]{16}")


def blocks(heading: str, language: str = "sh") -> list[str]:
    section = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    (text,) = [one for one in section if one.startswith(f"{heading}\n")]
    return [block for named, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S) if named == language]


def follow(script: str, **variables: object) -> str:
    """What it wrote; each variable as the page names it."""
    programs = [Path(sys.executable).parent, Path(program("pg_dump")).parent, os.environ["PATH"]]
    environment = {"PATH": ":".join(map(str, programs))} | {name: str(value) for name, value in variables.items()}
    ended = subprocess.run(
        ["bash", "-eu", "-c", script], env=environment, capture_output=True, text=True, timeout=SAFETY_S, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    return ended.stdout


def refusal(node: Gateway) -> str:
    command = [sys.executable, "-m", "propylon.cli.main", "serve", "--config", str(node.config)]
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PROPYLON_")}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SAFETY_S, check=False)
    assert ended.returncode == 2, ended
    return next(line for line in ended.stderr.splitlines() if line.startswith("propylon cannot start"))


def is_as_on_the_page(said: str, words: str) -> bool:
    """But for the fingerprints."""
    return FINGERPRINT.sub("", said).strip() == FINGERPRINT.sub("", words).strip()


def give(node: Gateway, **settings: str) -> None:
    lines = [line for line in node.config.read_text().splitlines() if line.split(" = ")[0] not in settings]
    lines += [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    node.config.write_text("\n".join(lines) + "\n")


def fill(control: Gateway, target: str) -> None:
    source = base64.b64encode(API_SECRET.encode()).decode()
    for path, body in [
        ("policies", policy("all", "shared")),
        ("apis", token_api(target)),
        ("apis", jwt_api(target)),
        ("apis", jwt_api(target, "shared", jwt_source=source, jwt_default_policies=["all"])),
        ("keys/the-key", session("token")),
        ("keys/deleted-later", session("token")),
        ("keys/signer", session("jwt", jwt_data={"secret": SECRET})),
    ]:
        assert control.api("POST", f"/tyk/{path}", body).status == 200


def change_after_the_backup(control: Gateway) -> None:
    assert control.api("DELETE", "/tyk/keys/deleted-later").status == 200
    assert control.api("POST", "/tyk/keys/made-later", session("token")).status == 200


def opened(node: Gateway) -> dict[str, int]:
    ways = {
        "the-key": ("/token/", "the-key"),
        "signer": ("/jwt/", f"Bearer {hs256({'sub': 'a'}, kid='signer')}"),
        "an API's secret": ("/shared/", f"Bearer {hs256({'sub': 'b'}, API_SECRET)}"),
        "deleted-later": ("/token/", "deleted-later"),
        "made-later": ("/token/", "made-later"),
    }
    return {name: get(node.url + path, {"Authorization": text}).status for name, (path, text) in ways.items()}


BEFORE = {"the-key": 200, "signer": 200, "an API's secret": 200, "deleted-later": 403, "made-later": 200}
RESTORED = BEFORE | {"deleted-later": 200, "made-later": 403}


def shown(control: Gateway) -> list[Any]:
    """Of a key by its ID, which is hashed to find it, and of one by its hash."""
    return [json.loads(control.api("GET", f"/tyk/keys/{name}").body) for name in ("signer", "the-key")]


@pytest.fixture
def make() -> Iterator[Callable[[str], Gateway]]:
    """A gateway in an empty folder of that name; killed at the end if it runs."""
    with TemporaryDirectory(prefix="propylon-") as name:
        made: list[Gateway] = []

        def one(folder: str, **settings: Any) -> Gateway:
            (Path(name) / folder).mkdir()
            made.append(Gateway(Path(name) / folder, {"workers": 1, **settings}))
            return made[-1]

        yield one
        for gateway in made:
            if gateway.is_running:
                gateway.kill()


def test_one_machine_is_restored_on_an_empty_folder(make: Callable[[str], Gateway], tmp_path: Path) -> None:
    backup, restore = blocks("One machine")
    first, second = make("first"), make("second")
    places = {"DATA": first.folder / "data", "BACKUP": tmp_path / "backup", "RESTORED": second.folder / "data"}
    with Origin() as origin:
        first.start()
        fill(first, origin.url)
        before = shown(first)
        follow(backup, **places)  # while it runs
        change_after_the_backup(first)
        assert opened(first) == BEFORE
        first.stop()
        follow(restore, **places)
        second.start()
        assert opened(second) == RESTORED
        assert shown(second) == before
        assert second.api("DELETE", "/tyk/keys/deleted-later").status == 200
        assert opened(second)["deleted-later"] == 403
        second.stop()
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "backup").iterdir()} == {0}
    give(second, root_secret=ANOTHER)
    (words,) = blocks("What holds afterwards", "")
    assert is_as_on_the_page(refusal(second), words)


def test_records_restored_beside_meters_that_know_more_are_read_again(
    make: Callable[[str], Gateway], tmp_path: Path
) -> None:
    backup, _ = blocks("One machine")
    gateway = make("only")
    data = gateway.folder / "data"
    with Origin() as origin:
        gateway.start()
        fill(gateway, origin.url)
        follow(backup, DATA=data, BACKUP=tmp_path / "backup")
        change_after_the_backup(gateway)
        gateway.stop()
        follow('rm "$DATA"/records.db*; cp "$BACKUP/records.db" "$DATA/"', DATA=data, BACKUP=tmp_path / "backup")
        gateway.start()
        assert opened(gateway) == RESTORED
        assert gateway.api("POST", "/tyk/keys/made-later", session("token")).status == 200
        assert opened(gateway) == RESTORED | {"made-later": 200}
    said = "everything is announced as changed"
    assert said in PAGE
    assert said in gateway.stderr_path.read_text()


def test_one_machine_gets_another_root_secret(make: Callable[[str], Gateway]) -> None:
    second_step, third_step = blocks("Another root secret")
    gateway = make("only")
    data = gateway.folder / "data"
    with Origin() as origin:
        gateway.start()
        fill(gateway, origin.url)
        before = opened(gateway)
        gateway.stop()
        file = follow(f'{second_step}\necho "$PROPYLON_ROOT_SECRET_OTHER_FILE"', DATA=data).strip()
        give(gateway, root_secret_other=Path(file).read_text().strip())
        gateway.start()
        assert opened(gateway) == before
        nothing_left, too_early = blocks("Another root secret", "")
        eventually(lambda: bool(_lines_like(gateway, nothing_left)))
        gateway.stop()
        follow(third_step, DATA=data, PROPYLON_ROOT_SECRET_OTHER_FILE=file)
        without_other(gateway)
        gateway.start()
        assert opened(gateway) == before
    assert too_early.startswith("propylon cannot start: 3 keys, APIs and policies are still sealed with")


def without_other(gateway: Gateway) -> None:
    lines = gateway.config.read_text().splitlines()
    gateway.config.write_text("\n".join(line for line in lines if not line.startswith("root_secret_other")) + "\n")


def _lines_like(gateway: Gateway, words: str) -> list[str]:
    wanted = FINGERPRINT.sub("", words).strip()
    return [line for line in gateway.stderr_path.read_text().splitlines() if wanted in FINGERPRINT.sub("", line)]


def test_whoever_goes_on_too_early_is_told_in_the_words_of_the_page(make: Callable[[str], Gateway]) -> None:
    gateway = make("only")
    data = gateway.folder / "data"
    with Origin() as origin:
        gateway.start()
        fill(gateway, origin.url)
        for name in ("signer-2", "signer-3"):  # three values in all: two keys more than one API and one key
            assert gateway.api("POST", f"/tyk/keys/{name}", session("jwt", jwt_data={"secret": SECRET})).status == 200
        assert gateway.api("DELETE", "/tyk/keys/signer").status == 200
        gateway.stop()
    old = (data / "root_secret").read_text().strip()
    (data / "root_secret").unlink()
    begin_and_die(gateway, old)
    _, words = blocks("Another root secret", "")
    assert is_as_on_the_page(refusal(gateway), words)


def begin_and_die(gateway: Gateway, old: str) -> None:
    """Step 2 until the new root secret is named in the records, and not so far that something is sealed anew."""
    code = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from propylon.stores.records.engines import sqlite_url\n"
        "from propylon.stores.records.opening import open_records\n"
        "from propylon.stores.sealing import RootSecret, load_or_make\n"
        "async def run():\n"
        "    folder = Path(sys.argv[1])\n"
        "    new, old = load_or_make(folder / 'root_secret'), RootSecret.from_text(sys.argv[2])\n"
        "    await (await open_records(sqlite_url(folder / 'records.db'), new, other=old)).close()\n"
        "asyncio.run(run())\n"
    )
    subprocess.run([sys.executable, "-c", code, str(gateway.folder / "data"), old], check=True, timeout=SAFETY_S)


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with Origin() as origin, running_fleet(nodes=1) as made:
        fill(made.control, origin.url)
        yield made


def test_a_fleet_is_restored_on_an_empty_database(fleet: Fleet, tmp_path: Path) -> None:
    dump, restore = blocks("A fleet")
    control, (node,) = fleet.control, fleet.nodes
    before = shown(control)
    url = fleet.stores.records_url
    follow(dump, BACKUP=tmp_path, DATABASE=url.replace("+asyncpg", ""))
    change_after_the_backup(control)
    assert opened(node) == BEFORE
    for one in (node, control):
        one.stop()
    empty = fleet.postgres.url(fleet.postgres.new_database())
    follow(restore, BACKUP=tmp_path, RESTORED=empty.replace("+asyncpg", ""))
    for one in (control, node):
        give(one, records_url=empty)
    migrate(control)
    for one in (control, node):
        one.start()
    assert opened(node) == RESTORED
    assert shown(control) == before
    assert "everything is announced as changed" in control.stderr_path.read_text()
    for one in (node, control):
        one.stop()
        give(one, root_secret=ANOTHER)
    (words,) = blocks("What holds afterwards", "")
    for one in (control, node):
        assert is_as_on_the_page(refusal(one), words)
