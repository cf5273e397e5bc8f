"""Definitions in files: the valid become live, the others change nothing, what is gone is removed (design §3.4)."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.control.conftest import GatewayApi, Make
from tests.kit.definitions import jwt_api, keyless_api, policy

TARGET = "http://upstream.example/"


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    (tmp_path / "apis").mkdir()
    (tmp_path / "policies").mkdir()
    return tmp_path


@pytest.fixture
def api(make: Make, folders: Path) -> GatewayApi:
    return make(app_path=folders / "apis", policy_path=folders / "policies")


def write(folders: Path, name: str, document: Any) -> None:
    text = document if isinstance(document, str) else json.dumps(document)
    (folders / name).write_text(text)


def reload(api: GatewayApi) -> dict[str, Any]:
    answer = api.call("GET", "/tyk/reload")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    assert (document.pop("status"), document.pop("message")) == ("ok", "")
    return document


def listed(api: GatewayApi) -> list[str]:
    return [one["api_id"] for one in api.call("GET", "/tyk/apis").json()]


def test_without_files_a_reload_is_answered_as_in_tyk(make: Make) -> None:
    gateway = make()
    for path in ("/tyk/reload", "/tyk/reload/group", "/tyk/reload/?block=true"):
        assert gateway.call("GET", path).content == b'{"status":"ok","message":""}\n'


def test_valid_files_become_apis_and_policies(api: GatewayApi, folders: Path) -> None:
    write(folders, "apis/a.json", keyless_api(TARGET, "a"))
    write(folders, "policies/gold.json", policy("gold", "a"))
    assert reload(api) == {}
    assert (listed(api), api.call("GET", "/tyk/policies/gold").status_code) == (["a"], 200)


def test_a_reload_that_finds_nothing_new_is_no_change(api: GatewayApi, folders: Path) -> None:
    write(folders, "apis/a.json", jwt_api(TARGET, "a", jwt_source="c2VjcmV0LW9mLXRoaXJ0eS10d28tb3ItbW9yZS1ieXRlcw=="))
    reload(api)
    revision = api.revision()
    reload(api)
    assert api.revision() == revision


def test_a_load_is_one_revision(api: GatewayApi, folders: Path) -> None:
    for name in "abc":
        write(folders, f"apis/{name}.json", keyless_api(TARGET, name))
    reload(api)
    assert api.revision() == 1


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_what_a_file_owns_only_the_file_changes(api: GatewayApi, folders: Path, method: str) -> None:
    write(folders, "apis/a.json", keyless_api(TARGET, "a"))
    reload(api)
    path = "/tyk/apis?overwrite=1" if method == "POST" else "/tyk/apis/a"
    answer = api.call(method, path, keyless_api(TARGET, "a", name="other"))
    assert (answer.status_code, answer.json()["code"], answer.json()["path"]) == (409, "owned_by_file", "a.json")
    assert "a.json" in answer.json()["message"]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_what_a_file_owns_only_the_file_changes_of_policies_too(api: GatewayApi, folders: Path, method: str) -> None:
    write(folders, "policies/p.json", policy("gold"))
    reload(api)
    answer = api.call(method, "/tyk/policies/gold", policy("gold", rate=1, per=1))
    assert (answer.status_code, answer.json()["code"]) == (409, "owned_by_file")


def test_a_vanished_file_takes_its_record_with_it(api: GatewayApi, folders: Path) -> None:
    write(folders, "apis/a.json", keyless_api(TARGET, "a"))
    reload(api)
    (folders / "apis/a.json").unlink()
    assert reload(api) == {"removed": ["api:a"]}
    assert listed(api) == []


def test_a_file_that_names_another_api_now_gives_up_the_one_before(api: GatewayApi, folders: Path) -> None:
    write(folders, "apis/a.json", keyless_api(TARGET, "a"))
    reload(api)
    write(folders, "apis/a.json", keyless_api(TARGET, "b"))
    assert reload(api) == {"removed": ["api:a"]}
    assert listed(api) == ["b"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{", "file_unreadable"),
        ('{"api_id":"a","api_id":"a"}', "file_unreadable"),
        ("[]", "api_id_missing"),
        (keyless_api(TARGET, ""), "api_id_missing"),
        (keyless_api("", "a"), "invalid_target_url"),
    ],
)
def test_an_invalid_file_is_a_problem_and_its_record_stays(
    api: GatewayApi, folders: Path, content: Any, code: str
) -> None:
    write(folders, "apis/a.json", keyless_api(TARGET, "a"))
    reload(api)
    write(folders, "apis/a.json", content)
    problems = reload(api)["problems"]
    assert [(problem["path"], problem["code"]) for problem in problems] == [("a.json", code)]
    assert api.call("GET", "/tyk/apis/a").json()["proxy"]["target_url"] == TARGET


def test_a_file_does_not_take_over_what_was_made_through_the_api(api: GatewayApi, folders: Path) -> None:
    api.call("POST", "/tyk/apis", keyless_api(TARGET, "a"))
    write(folders, "apis/a.json", keyless_api("http://other/", "a"))
    assert [problem["code"] for problem in reload(api)["problems"]] == ["owned_by_api"]
    assert api.call("GET", "/tyk/apis/a").json()["proxy"]["target_url"] == TARGET


def test_two_files_with_one_id_are_a_problem(api: GatewayApi, folders: Path) -> None:
    write(folders, "apis/a.json", keyless_api(TARGET, "a"))
    write(folders, "apis/b.json", keyless_api(TARGET, "a", name="second"))
    assert [(one["path"], one["code"]) for one in reload(api)["problems"]] == [("b.json", "defined_twice")]
    assert api.call("GET", "/tyk/apis/a").json()["name"] == "a"


def test_a_listen_path_belongs_to_one_api_whoever_made_it(api: GatewayApi, folders: Path) -> None:
    api.call("POST", "/tyk/apis", keyless_api(TARGET, "taken"))
    proxy = {"listen_path": "/taken/", "target_url": TARGET}
    write(folders, "apis/a.json", keyless_api(TARGET, "a") | {"proxy": proxy})
    write(folders, "apis/b.json", keyless_api(TARGET, "b"))
    write(folders, "apis/c.json", keyless_api(TARGET, "c") | {"proxy": proxy | {"listen_path": "/b"}})
    problems = reload(api)["problems"]
    assert {one["path"]: one["code"] for one in problems} == dict.fromkeys(("a.json", "c.json"), "listen_path_taken")
    assert listed(api) == ["b", "taken"]


def test_a_refused_file_keeps_its_old_listen_path(api: GatewayApi, folders: Path) -> None:
    write(folders, "apis/a.json", keyless_api(TARGET, "a"))
    write(folders, "apis/b.json", keyless_api(TARGET, "b"))
    reload(api)
    write(folders, "apis/b.json", keyless_api(TARGET, "b") | {"proxy": {"listen_path": "/a/", "target_url": TARGET}})
    write(folders, "apis/c.json", keyless_api(TARGET, "c") | {"proxy": {"listen_path": "/b/", "target_url": TARGET}})
    assert {one["path"] for one in reload(api)["problems"]} == {"b.json", "c.json"}
    assert api.call("GET", "/tyk/apis/b").json()["proxy"]["listen_path"] == "/b/"


def test_companions_are_skipped_and_said(api: GatewayApi, folders: Path) -> None:
    write(folders, "apis/a.json", keyless_api(TARGET, "a"))
    write(folders, "apis/a-oas.json", {"openapi": "3.0.3"})
    answer = reload(api)
    assert [(one["path"], one["code"]) for one in answer["warnings"]] == [("a-oas.json", "companion_skipped")]
    assert listed(api) == ["a"]


@pytest.mark.parametrize(
    "document",
    [[policy("gold"), policy("silver")], {"gold": {"name": "g"}, "silver": {"name": "s", "id": "other"}}],
    ids=["list", "map"],
)
def test_one_file_may_hold_several_policies(api: GatewayApi, folders: Path, document: Any) -> None:
    write(folders, "policies/all.json", document)
    assert "problems" not in reload(api)
    assert [one["id"] for one in api.call("GET", "/tyk/policies").json()] == ["gold", "silver"]


def test_one_invalid_policy_of_a_file_leaves_the_whole_file_as_it_was(api: GatewayApi, folders: Path) -> None:
    write(folders, "policies/all.json", [policy("gold")])
    reload(api)
    write(folders, "policies/all.json", [policy("silver"), policy("bad", rate="5")])
    assert [one["path"] for one in reload(api)["problems"]] == ["all.json"]
    assert [one["id"] for one in api.call("GET", "/tyk/policies").json()] == ["gold"]


def test_a_folder_that_cannot_be_read_removes_nothing(api: GatewayApi, folders: Path) -> None:
    write(folders, "apis/a.json", keyless_api(TARGET, "a"))
    reload(api)
    (folders / "apis").rename(folders / "elsewhere")
    assert [one["code"] for one in reload(api)["problems"]] == ["folder_unreadable"]
    assert listed(api) == ["a"]


def test_what_was_loaded_is_announced(api: GatewayApi, folders: Path) -> None:
    write(folders, "apis/a.json", keyless_api(TARGET, "a"))
    reload(api)
    assert api.head() == api.revision() == 1
