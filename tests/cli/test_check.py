"""`propylon check`: what a gateway would say of files, without one."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from tests.kit.command import Ended, propylon
from tests.kit.definitions import jwt_api, keyless_api, policy, session, token_api
from tests.kit.tokens import SECRET, public_pem, rsa_key

TARGET = "http://127.0.0.1:9000"


def checked(folder: Path, *arguments: str, **documents: Any) -> Ended:
    """`arguments` beside a file for each document."""
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document))
    return propylon("check", *arguments, str(folder))


def codes(ended: Ended, listed: str = "problems") -> list[str]:
    return [one["code"] for one in ended.json()[listed]]


def test_files_of_every_kind_are_told_apart_and_pass(tmp_path: Path) -> None:
    ended = checked(
        tmp_path,
        api=jwt_api(TARGET, jwt_default_policies=["gold"]),
        wrapped={"api_definition": keyless_api(TARGET)},
        gold=policy("gold", "jwt"),
        several=[policy("one", "jwt"), policy("two", "jwt")],
        by_id={"three": policy("three", "jwt")},
        key=session("jwt", apply_policies=["gold"]),
    )
    assert ended.code == 0, ended
    assert "6 files, 0 problems" in ended.out


def test_every_problem_of_every_file_is_listed_with_file_and_path(tmp_path: Path) -> None:
    ended = checked(
        tmp_path, api=keyless_api("nowhere", active="yes"), key=session("x", expires="soon"), gold={"rate": "fast"}
    )
    assert ended.code == 1
    lines = [line.split(": problem: ")[1].split(" ")[0] for line in ended.out.splitlines() if ": problem: " in line]
    assert sorted(lines) == ["active", "expires", "proxy.target_url", "rate"]
    assert str(tmp_path / "api.json") in ended.out


def test_warnings_alone_are_no_reason_to_fail_unless_strict(tmp_path: Path) -> None:
    documents = {"key": session("x", jwt_data={"secret": "xxx"})}
    assert checked(tmp_path, **documents).code == 0
    ended = checked(tmp_path, "--strict", "--json", **documents)
    assert (ended.code, codes(ended), codes(ended, "warnings")) == (1, ["secret_public"], [])


def test_an_api_that_would_answer_503_is_a_problem(tmp_path: Path) -> None:
    ended = checked(tmp_path, "--json", api=token_api(TARGET, use_basic_auth=True))
    assert codes(ended) == ["definition_guard_unsupported"]


def test_no_secret_is_shown(tmp_path: Path) -> None:
    secret = "canary-canary-canary-canary"
    documents = {"key": session("x", jwt_data={"secret": secret}, rate="x"), "api": jwt_api(TARGET, jwt_source=secret)}
    ended = checked(tmp_path, **documents)
    assert secret not in ended.out + ended.err


def test_the_same_id_or_listen_path_twice_is_a_problem(tmp_path: Path) -> None:
    ended = checked(
        tmp_path, "--json", one=keyless_api(TARGET), two=keyless_api(TARGET), gold=[policy("g", "keyless")] * 2
    )
    assert sorted(codes(ended)) == ["id_taken", "id_taken", "listen_path_taken"]


def test_names_that_no_file_defines_are_warned_of_if_the_files_define_others(tmp_path: Path) -> None:
    api = jwt_api(TARGET, jwt_source=b64encode(SECRET.encode()).decode(), jwt_default_policies=["other"])
    documents = {"api": api, "gold": policy("gold", "no-such-api")}
    assert sorted(codes(checked(tmp_path, "--json", **documents), "warnings")) == ["api_unknown", "policy_unknown"]


@pytest.mark.parametrize(
    ("text", "code"),
    [("{", "json_malformed"), ('{"a": 1, "a": 2}', "json_malformed"), ("{}", "kind_unknown"), ("[1]", "kind_unknown")],
)
def test_a_file_that_is_none_of_them_is_a_problem(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "file.json").write_text(text)
    ended = propylon("check", "--json", str(tmp_path))
    assert (ended.code, codes(ended)) == (1, [code])


def test_the_kind_can_be_said(tmp_path: Path) -> None:
    (tmp_path / "file.json").write_text("{}")
    assert codes(propylon("check", "--json", "--kind", "policy", str(tmp_path))) == ["policy_id_missing"]
    (tmp_path / "file.json").write_text("[]")
    assert codes(propylon("check", "--json", "--kind", "api", str(tmp_path))) == ["not_an_object"]


def test_a_file_that_is_not_there_is_a_problem_and_no_file_at_all_is_wrong_use(tmp_path: Path) -> None:
    assert propylon("check", str(tmp_path / "missing.json")).code == 1
    assert propylon("check", str(tmp_path)).code == 2


def test_the_examples_pass_where_their_variables_are_set() -> None:
    examples = Path(__file__).parents[2] / "examples"
    paths = (str(examples / "apis"), str(examples / "policies"))
    env = {"DEMO_UPSTREAM": TARGET, "DEMO_IDP_PUBLIC_KEY": public_pem(rsa_key())}
    assert codes(propylon("check", "--json", *paths, env=env)) == []
    assert "reference_unresolved" in codes(propylon("check", "--json", *paths))
