"""Keys over the command line, at a real gateway: made, listed, shown, suspended, ended."""

import json
from pathlib import Path

import pytest

from propylon.control.key_find import SAME_MAX
from tests.kit.client import get
from tests.kit.command import Operator
from tests.kit.definitions import session
from tests.kit.gateway import Gateway
from tests.kit.tokens import SECRET, hs256


def status_of(gateway: Gateway, token: str) -> int:
    return get(f"{gateway.url}/token/", {"Authorization": token}).status


def made_token(operator: Operator) -> str:
    return str(operator.done("keys", "create", "--api", "token", "--json").json()["key"])


def test_a_key_without_an_id_gets_one_that_opens_its_api(operator: Operator, gateway: Gateway) -> None:
    ended = operator.done("keys", "create", "--api", "token", "--alias", "Beta")
    token = ended.out.split()[1]
    assert ended.out.startswith("key ")
    assert "only time" in ended.out
    assert status_of(gateway, token) == 200


def test_a_key_that_verifies_jwts_is_made_from_a_file_with_its_secret(
    operator: Operator, gateway: Gateway, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    ended = operator.done("keys", "create", "cli-acme", "--api", "jwt", "--jwt-secret-file", str(tmp_path / "secret"))
    assert "HS256" in ended.out
    assert SECRET not in ended.out + ended.err
    token = hs256({"sub": "x"}, kid="cli-acme")
    assert get(f"{gateway.url}/jwt/", {"Authorization": f"Bearer {token}"}).status == 200


def test_options_replace_members_of_the_file(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text(json.dumps(session("token", alias="as in the file", rate=5, per=1)))
    operator.done("keys", "create", "cli-file", "--file", str(tmp_path / "key.json"), "--alias", "as in the option")
    shown = operator.done("keys", "show", "cli-file", "--json").json()
    assert (shown["alias"], shown["rate"], shown["per"]) == ("as in the option", 5, 1)


def test_what_the_gateway_warns_of_goes_to_stderr(operator: Operator) -> None:
    ended = operator.done("keys", "create", "cli-warned", "--api", "no-such-api")
    assert "warning: " in ended.err
    assert "no-such-api" in ended.err


def test_a_key_that_differs_is_not_replaced_unless_it_is_said_so(operator: Operator) -> None:
    operator.done("keys", "create", "cli-twice", "--api", "token")
    ended = operator("keys", "create", "cli-twice", "--api", "token", "--alias", "other")
    assert ended.code == 1
    assert "exists and differs" in ended.err
    operator.done("keys", "create", "cli-twice", "--api", "token", "--alias", "other", "--overwrite")


def test_a_list_ends_with_how_to_go_on(operator: Operator) -> None:
    for number in range(3):
        operator.done("keys", "create", f"cli-listed-{number}", "--api", "token", "--alias", f"listed {number}")
    first = operator.done("keys", "list", "--limit", "2").out
    more = first.splitlines()[-1].removeprefix("more: ").split()
    assert more[0] == "--after"
    assert set(operator.done("keys", "list", *more).out.splitlines()) - set(first.splitlines())
    assert "listed 1" in operator.done("keys", "list", "--alias", "listed 1").out


def test_rows_are_whole_when_nobody_reads_them_on_a_screen(operator: Operator) -> None:
    operator.done("keys", "create", "cli-long", "--api", "token", "--alias", "a" * 300)
    key_hash = operator.done("keys", "show", "cli-long", "--json").json()["key_hash"]
    assert any(key_hash in row and "a" * 300 in row for row in operator.done("keys", "list").out.splitlines())


def test_an_alias_cannot_drive_the_terminal(operator: Operator) -> None:
    operator.done("keys", "create", "cli-hostile", "--api", "token", "--alias", "\x1b[2J[red]x")
    shown = operator.done("keys", "list", "--alias", "\x1b[2J[red]x").out
    assert "\x1b" not in shown
    assert "\\x1b[2J[red]x" in shown


def test_a_key_may_be_named_on_stdin(operator: Operator) -> None:
    operator.done("keys", "create", "cli-stdin", "--api", "token")
    assert "org_id" in operator.done("keys", "show", "-", stdin="cli-stdin\n").out


def test_a_suspended_key_is_refused_until_it_is_resumed(operator: Operator, gateway: Gateway) -> None:
    token = made_token(operator)
    for command, status in (("suspend", 403), ("resume", 200)):
        operator.done("keys", command, token)
        assert status_of(gateway, token) == status


def test_an_end_is_moved_to_a_moment_or_by_a_duration(operator: Operator) -> None:
    operator.done("keys", "create", "cli-ends", "--api", "token", "--expires", "2100-01-01")
    operator.done("keys", "extend", "cli-ends", "--by", "1d")
    assert operator.done("keys", "show", "cli-ends", "--json").json()["expires"] == 4_102_444_800 + 86_400
    operator.done("keys", "extend", "cli-ends", "--to", "4102444801")
    assert operator.done("keys", "show", "cli-ends", "--json").json()["expires"] == 4_102_444_801


def test_a_quota_is_whole_again_after_reset(operator: Operator, gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text(json.dumps(session("token", quota_max=1, quota_renewal_rate=3600)))
    operator.done("keys", "create", "cli-quota", "--file", str(tmp_path / "key.json"))
    assert [status_of(gateway, "cli-quota") for _ in range(2)] == [200, 403]
    operator.done("keys", "reset-quota", "cli-quota")
    assert status_of(gateway, "cli-quota") == 200


def test_deleting_asks_first_and_nobody_is_there_to_answer(operator: Operator, gateway: Gateway) -> None:
    token = made_token(operator)
    ended = operator("keys", "delete", token)
    assert ended.code == 2
    assert "--yes" in ended.err
    assert status_of(gateway, token) == 200
    operator.done("keys", "delete", token, "--yes")
    assert status_of(gateway, token) == 403
    assert operator("keys", "delete", token, "--yes").code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "--rate", "1"),
        ("create", "--jwt-algorithm", "HS512"),
        ("create", "--file", "no-such-file"),
        ("create", "--expires", "tomorrow"),
        ("extend", "x"),
        ("extend", "x", "--by", "1d", "--to", "+1d"),
        ("extend", "x", "--by", "soon"),
        ("list", "--limit", "0"),
        ("show",),
    ],
)
def test_wrong_use_is_2_and_asks_nobody(arguments: tuple[str, ...]) -> None:
    nobody = Operator("http://127.0.0.1:1", "x")
    ended = nobody("keys", *arguments)
    assert ended.code == 2
    assert "no gateway answers" not in ended.err


def test_a_key_is_found_by_whatever_names_it(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    made = ("keys", "create", "cli-found", "--api", "jwt", "--alias", "Found Ltd", "--jwt-secret-file")
    key_hash = operator.done(*made, str(tmp_path / "secret"), "--json").json()["key_hash"]
    for sought in ("cli-found", key_hash, "Found Ltd"):
        assert key_hash in operator.done("keys", "find", sought).out
    assert key_hash in operator.done("keys", "find", "-", stdin=hs256({"sub": "x"}, kid="cli-found")).out
    assert operator("keys", "find", "nobody's").code == 1


def test_of_more_keys_of_one_alias_than_are_listed_it_is_said(operator: Operator, gateway: Gateway) -> None:
    for number in range(SAME_MAX + 1):
        if number == SAME_MAX:
            assert "there are more" not in operator.done("keys", "find", "Many").out
        assert gateway.api("POST", f"/tyk/keys/many-{number}", session("token", alias="Many")).status == 200
    assert "there are more with this alias" in operator.done("keys", "find", "Many").out
    for number in range(SAME_MAX + 1):  # the other tests of this gateway list its keys
        assert gateway.api("DELETE", f"/tyk/keys/many-{number}").status == 200


def test_imported_hashes_that_wait_for_their_key_are_counted(operator: Operator, gateway: Gateway) -> None:
    legacy = session("token", legacy_hash="b1946ac92492d2347c6235b4d2611184b1946ac92492d2347c6235b4d2611184")
    assert gateway.api("POST", "/tyk/keys/import", legacy).status == 200
    rows = [row.split() for row in operator.done("keys", "audit-hashes").out.splitlines()]
    assert rows[0] == ["algorithm", "keys", "pinned", "waiting"]
    assert rows[-1] == ["all", "1", "0", "1"]
