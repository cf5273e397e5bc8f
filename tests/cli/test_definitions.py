"""APIs and policies over the command line, at a real gateway."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.kit.client import get
from tests.kit.command import Operator
from tests.kit.definitions import keyless_api, policy
from tests.kit.gateway import Gateway


def written(folder: Path, document: dict[str, Any]) -> str:
    path = folder / "document.json"
    path.write_text(json.dumps(document))
    return str(path)


def test_an_api_is_made_changed_shown_and_removed(operator: Operator, gateway: Gateway, tmp_path: Path) -> None:
    api = keyless_api("http://127.0.0.1:9", "cli-api")
    operator.done("apis", "create", written(tmp_path, api))
    assert get(f"{gateway.url}/cli-api/").status == 502
    operator.done("apis", "update", written(tmp_path, api | {"name": "another name"}))
    assert "another name" in operator.done("apis", "list").out
    assert "proxy.listen_path" in operator.done("apis", "show", "cli-api").out
    operator.done("apis", "delete", "cli-api")
    assert get(f"{gateway.url}/cli-api/").status == 404
    assert operator("apis", "delete", "cli-api").code == 1


def test_a_policy_is_made_changed_shown_and_removed(operator: Operator, tmp_path: Path) -> None:
    gold = policy("cli-gold", "jwt", rate=10, per=60)
    operator.done("policies", "create", written(tmp_path, gold))
    operator.done("policies", "update", written(tmp_path, gold | {"rate": 20}))
    row = next(row for row in operator.done("policies", "list").out.splitlines() if row.startswith("cli-gold "))
    assert "20/60 s" in row
    assert "access_rights.jwt.api_id" in operator.done("policies", "show", "cli-gold").out
    operator.done("policies", "delete", "cli-gold")
    assert operator("policies", "show", "cli-gold").code == 1


def test_every_problem_of_a_definition_is_listed_with_its_path(operator: Operator, tmp_path: Path) -> None:
    api = keyless_api("not a url", "cli-bad", auth_configs=[], active="yes")
    ended = operator("apis", "create", written(tmp_path, api))
    assert ended.code == 1
    assert [path for path in ("proxy.target_url", "active") if f"problem: {path} " not in ended.err] == []


def test_somebody_else_s_change_is_not_lost(operator: Operator, gateway: Gateway, tmp_path: Path) -> None:
    api = keyless_api("http://127.0.0.1:9", "cli-raced")
    operator.done("apis", "create", "-", stdin=json.dumps(api))
    tag = gateway.api("GET", "/tyk/apis/cli-raced").value("ETag") or ""
    path = written(tmp_path, api | {"name": "mine"})
    operator.done("apis", "update", path, "--if-match", tag)
    assert operator("apis", "update", path, "--if-match", tag).code == 1


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1, "a": 2}', "{}"])
def test_a_file_that_says_nothing_is_wrong_use(tmp_path: Path, text: str) -> None:
    nobody = Operator("http://127.0.0.1:1", "x")
    (tmp_path / "file").write_text(text)
    for group in ("apis", "policies"):
        ended = nobody(group, "update", str(tmp_path / "file"))
        assert ended.code == 2
        assert str(tmp_path / "file") in ended.err


def test_lint_is_1_while_there_is_something_to_say(operator: Operator) -> None:
    operator.done("policies", "create", "-", stdin=json.dumps(policy("cli-lint", "jwt", rate=10, per=60)))
    ended = operator("policies", "lint", "cli-lint")
    assert ended.code == 1
    assert "policy_unused" in ended.out
    operator.done("keys", "create", "cli-linted", "--policy", "cli-lint")
    assert operator.done("policies", "lint", "cli-lint").out == "nothing to say\n"
