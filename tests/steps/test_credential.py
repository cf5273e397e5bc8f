"""Where a credential is read from, and what happens when there are two."""

import pytest

from tests.kit.client import Client, get
from tests.kit.data_path import data_path
from tests.kit.definitions import session, token_api
from tests.kit.origin import Origin

EVERYWHERE = {"auth_header_name": "X-Key", "use_param": True, "param_name": "k", "use_cookie": True, "cookie_name": "c"}
KEYS = {"the-key": session("token"), "another": session("token"), "a b&c": session("token")}


@pytest.mark.parametrize(
    ("target", "fields"),
    [
        ("/token/", {"X-Key": "the-key"}),
        ("/token/", {"x-kEY": "bEARER the-key"}),
        ("/token/?k=the-key", {}),
        ("/token/?other=1&k=the-key", {}),
        ("/token/?k=Bearer%20the-key", {}),
        ("/token/?k=a+b%26c", {}),
        ("/token/", {"Cookie": "x=1; c=the-key"}),
        ("/token/?k=the-key", {"X-Key": "the-key", "Cookie": "c=the-key"}),
        ("/token/?k=", {"X-Key": "the-key"}),
    ],
)
def test_a_credential_is_found_in_each_place_that_is_switched_on(target: str, fields: dict[str, str]) -> None:
    with Origin() as origin, data_path(token_api(origin.url, auth=EVERYWHERE), keys=KEYS) as path:
        assert get(path.url + target, fields).status == 200


@pytest.mark.parametrize(
    ("target", "fields"),
    [
        ("/token/?k=another", {"X-Key": "the-key"}),
        ("/token/?k=another&k=the-key", {}),
        ("/token/", {"X-Key": "the-key", "Cookie": "c=another"}),
        ("/token/?k=unknown", {"X-Key": "the-key"}),
    ],
)
def test_two_credentials_that_differ_are_refused(target: str, fields: dict[str, str]) -> None:
    with Origin() as origin, data_path(token_api(origin.url, auth=EVERYWHERE), keys=KEYS) as path:
        answer = get(path.url + target, fields)
        assert answer.status == 400
        assert answer.json() == {"error": "More than one credential was sent and they differ"}
        assert not origin.requests
        assert [one.denial.reason for one in path.recorded if one.denial] == ["credential_ambiguous"]


def test_two_header_lines_that_differ_are_refused_though_only_the_header_counts() -> None:
    with Origin() as origin, data_path(token_api(origin.url), keys=KEYS) as path, Client(path.port) as client:
        client.send(b"GET /token/ HTTP/1.1\r\nHost: x\r\nAuthorization: the-key\r\nAuthorization: another\r\n\r\n")
        assert client.read_response().status == 400
        assert not origin.requests


@pytest.mark.parametrize("target", ["/token/?Authorization=the-key", "/token/?k=the-key"])
def test_a_place_that_is_not_switched_on_is_not_read(target: str) -> None:
    with Origin() as origin, data_path(token_api(origin.url), keys=KEYS) as path:
        assert get(path.url + target).status == 401
        assert get(path.url + target, {"Authorization": "the-key"}).status == 200


@pytest.mark.parametrize("credential", ["the-key ", " the-key", "the-key, the-key", "Bearer  the-key", "Basic the-key"])
def test_nothing_but_one_bearer_prefix_is_taken_off(credential: str) -> None:
    with Origin() as origin, data_path(token_api(origin.url), keys=KEYS) as path:
        status = get(path.url + "/token/", {"Authorization": credential}).status
        assert status == (200 if credential.strip() == "the-key" else 403)


def test_bytes_outside_ascii_are_a_key_nobody_has() -> None:
    with data_path(token_api("http://127.0.0.1:9"), keys=KEYS) as path, Client(path.port) as client:
        client.send(b"GET /token/ HTTP/1.1\r\nHost: x\r\nAuthorization: \xff\xfe\xfd\xfc\r\n\r\n")
        assert client.read_response().status == 403
