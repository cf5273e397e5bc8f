"""Finding the gateway and its secret, and the exit codes: 0 yes, 1 no, 2 wrong use or nobody there."""

import socket
from pathlib import Path

import pytest

from tests.kit.answers import reply
from tests.kit.command import Operator, propylon
from tests.kit.gateway import Gateway
from tests.kit.origin import Origin


def test_nobody_listening_is_2_and_says_where_and_what_to_do() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    ended = Operator(url, "x")("apis", "list")
    assert ended.code == 2
    assert url in ended.err
    assert "PROPYLON_URL" in ended.err


def test_without_a_secret_it_is_2_and_says_which_variable_to_set() -> None:
    ended = propylon("apis", "list")
    assert (ended.code, ended.out) == (2, "")
    assert "PROPYLON_SECRET" in ended.err


def test_a_wrong_secret_is_wrong_use(gateway: Gateway) -> None:
    ended = Operator(gateway.url, "not-the-secret")("apis", "list")
    assert ended.code == 2
    assert "PROPYLON_SECRET" in ended.err


def test_the_secret_may_stand_in_a_file(gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{gateway.secret}\n")
    env = {"PROPYLON_URL": gateway.url, "PROPYLON_SECRET_FILE": str(tmp_path / "secret")}
    assert propylon("apis", "list", env=env).code == 0
    assert propylon("apis", "list", env=env | {"PROPYLON_SECRET": "another"}).code == 2


def test_a_secret_among_the_arguments_works_and_is_warned_about(gateway: Gateway) -> None:
    ended = propylon("apis", "list", "--url", gateway.url, "--secret", gateway.secret)
    assert ended.code == 0
    assert "PROPYLON_SECRET_FILE" in ended.err
    assert gateway.secret not in ended.out + ended.err


@pytest.mark.parametrize("url", ["", "127.0.0.1:8080", "ftp://x", "http://", "http://u:p@127.0.0.1", "http://h:x/"])
def test_a_url_that_cannot_be_asked_is_wrong_use(url: str) -> None:
    ended = propylon("apis", "list", "--url", url, env={"PROPYLON_SECRET": "x"})
    assert ended.code == 2
    assert "--url" in ended.err


def test_what_is_no_gateway_is_told_from_a_gateway_that_says_no(operator: Operator) -> None:
    with Origin(reply(200, b"<html>")) as origin:
        assert Operator(origin.url, "x")("apis", "list").code == 2
    with Origin(reply(404, b"404 page not found\n")) as origin:
        ended = Operator(origin.url, "x")("keys", "ring", "-", stdin="a-credential")
    assert ended.code == 2
    assert "GET /tyk/keys/…/ring" in ended.err
    assert "control_listen" in ended.err
    assert operator("keys", "show", "no-such-key").code == 1


def test_json_is_exactly_what_the_api_answers(operator: Operator, gateway: Gateway) -> None:
    answer = gateway.api("GET", "/tyk/apis")
    assert operator("apis", "list", "--json").out.encode() == answer.body


def test_json_of_a_no_is_the_api_s_too(operator: Operator) -> None:
    ended = operator("policies", "show", "no-such-policy", "--json")
    assert ended.code == 1
    assert ended.json()["message"] == "Policy not found"


def test_the_secret_is_never_sent_on_by_a_redirect() -> None:
    with Origin() as elsewhere:
        moved = reply(302, b"", ((b"Location", elsewhere.url.encode()),))
        with Origin(moved) as origin:
            assert Operator(origin.url, "x")("apis", "list").code == 2
        assert elsewhere.requests == []
