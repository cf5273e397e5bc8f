"""What happens before and after every route: the secret, the forms of errors, the head."""

import logging
from typing import Any

import pytest

from propylon.control.announcer import Announcer
from propylon.control.app import App
from propylon.errors import StoreUnavailable
from tests.control.conftest import GatewayApi, Make
from tests.kit.definitions import keyless_api, session

REFUSED = {"status": "error", "message": "Attempted administrative access with invalid or missing key!"}
NOT_FOUND = "404 page not found\n"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/tyk/keys"),
        ("GET", "/tyk/nothing"),
        ("BREW", "/tyk/keys"),
        ("DELETE", "/tyk/keys/x"),
        ("GET", "/other"),
    ],
)
def test_without_the_secret_every_path_and_method_is_403(api: GatewayApi, method: str, path: str) -> None:
    answer = api.call(method, path, X_Tyk_Authorization="wrong")
    assert (answer.status_code, answer.json()) == (403, REFUSED)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/tyk/apis", "GET, POST"),
        ("DELETE", "/tyk/apis", "GET, POST"),
        ("PATCH", "/tyk/keys/x", "DELETE, GET, POST, PUT"),
        ("POST", "/tyk/reload", "GET"),
        ("HEAD", "/tyk/apis", "GET, POST"),
    ],
)
def test_a_known_path_with_another_method_is_405(api: GatewayApi, method: str, path: str, allow: str) -> None:
    answer = api.call(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allow)
    assert method == "HEAD" or answer.json() == {"status": "error", "message": "Method not supported"}


@pytest.mark.parametrize("path", ["/tyk", "/tyk/nothing", "/tyk/keys/a/b", "/tyk/apis/x/y"])
def test_an_unknown_path_is_the_router_s_404(api: GatewayApi, path: str) -> None:
    answer = api.call("GET", path)
    assert (answer.status_code, answer.text) == (404, NOT_FOUND)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/tyk/apis", "/tyk/apis/", "/tyk/apis///"])
def test_trailing_slashes_make_no_difference(api: GatewayApi, path: str) -> None:
    answer = api.call("GET", path)
    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (200, b"[]\n", "application/json")


def test_answers_are_compact_and_safe_to_embed_in_html(api: GatewayApi) -> None:
    api.call("POST", "/tyk/apis", keyless_api("http://u/", name="<b>&é"))
    text = api.call("GET", "/tyk/apis/keyless").text
    assert '"name":"\\u003cb\\u003e\\u0026é"' in text
    assert text.endswith("}\n")


@pytest.mark.parametrize("body", [b"{", b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":"\xff"}', b"[" * 100_000, b"[]", b""])
@pytest.mark.parametrize("path", ["/tyk/keys", "/tyk/apis", "/tyk/policies"])
def test_a_body_that_is_no_strict_json_object_is_400(api: GatewayApi, path: str, body: bytes) -> None:
    answer = api.call("POST", path, body)
    assert (answer.status_code, answer.json()["message"]) == (400, "Request malformed")
    assert answer.json()["problems"][0]["code"] == "json_malformed"


def test_a_body_above_the_limit_is_413(api: GatewayApi) -> None:
    answer = api.call("POST", "/tyk/apis", b" " * (4 * 1024**2 + 1))
    assert (answer.status_code, answer.headers["Connection"]) == (413, "close")


def test_the_client_that_the_worker_names_is_the_one_counted(make: Make) -> None:
    gateway = make(control_attempts_per_minute=1)
    wrong = {"X_Tyk_Authorization": "wrong"}
    assert gateway.call("GET", "/tyk/keys", X_Propylon_Client="192.0.2.1", **wrong).status_code == 403
    assert gateway.call("GET", "/tyk/keys", X_Propylon_Client="192.0.2.1", **wrong).status_code == 429
    assert gateway.call("GET", "/tyk/keys", X_Propylon_Client="192.0.2.2").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/tyk/keys/new-key", session("token"), 200),
        ("PUT", "/tyk/keys/nobody", session("token"), 404),
        ("DELETE", "/tyk/keys/nobody", None, 404),
        ("POST", "/tyk/keys/there", session("other"), 409),
        ("GET", "/tyk/reload", None, 200),
    ],
)
def test_whatever_a_write_answers_the_workers_can_know_of_what_it_rests_on(
    api: GatewayApi, method: str, path: str, body: Any, status: int
) -> None:
    api.call("POST", "/tyk/keys/there", session("token"))
    revision = api.run(api.desk.records.note_everything_changed(above=0))  # by another control process
    assert api.head() < revision
    assert api.call(method, path, body).status_code == status
    assert api.head() == api.revision() >= revision


def test_a_change_that_cannot_be_announced_is_503_and_repeating_it_is_safe(api: GatewayApi) -> None:
    meters = Away(api.meters)
    api.app = App(api.desk._replace(announcer=Announcer(api.desk.records, meters)))
    first = api.call("POST", "/tyk/keys/new-key", session("token"))
    assert (first.status_code, first.json()["code"]) == (503, "change_not_announced")
    meters.is_away = False
    again = api.call("POST", "/tyk/keys/new-key", session("token"))
    assert (again.status_code, again.json()["action"]) == (200, "added")
    assert api.head() == api.revision()


def test_a_store_that_is_away_is_503(api: GatewayApi) -> None:
    api.app = App(api.desk._replace(files=AwayFiles()))
    answer = api.call("GET", "/tyk/reload")
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")


def test_a_bug_is_500_without_its_text_and_logged(api: GatewayApi, caplog: pytest.LogCaptureFixture) -> None:
    api.app = App(api.desk._replace(files=None))
    answer = api.call("GET", "/tyk/reload")
    assert (answer.status_code, answer.json()) == (500, {"status": "error", "message": "Internal error"})
    assert "AttributeError" in caplog.text


def test_what_is_logged_of_a_request_never_holds_a_key(api: GatewayApi, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="propylon"):
        api.call("GET", "/tyk/keys/canary-key", X_Tyk_Authorization="canary-guess")
    assert "/tyk/keys" in caplog.text
    assert "canary" not in caplog.text


class AwayFiles:
    async def load(self) -> None:
        raise StoreUnavailable("records are away")


class Away:
    """Meters that cannot be told anything for a while."""

    def __init__(self, meters: Any) -> None:
        self.meters = meters
        self.is_away = True

    async def announce(self, revision: int) -> int:
        if self.is_away:
            raise StoreUnavailable("away")
        return int(await self.meters.announce(revision))
