"""`/hello` and `/ready` of a control process: for an orchestrator, which has no secret."""

from typing import Any

import pytest

from propylon.control.app import App
from propylon.control.standing import Standing
from propylon.errors import Problem, StoreUnavailable
from propylon.stores.ports import Troubles
from tests.control.conftest import GatewayApi, Make

FORGETFUL = Troubles(durability=(Problem("meters_url", "meters_not_durable", "set appendonly yes"),))


class Stores:
    """Records and meters that may be away."""

    def __init__(self) -> None:
        self.newest = 7
        self.records_away = self.meters_raise = self.is_away = False
        self.troubles = Troubles()

    async def revision(self) -> int:
        if self.records_away:
            raise StoreUnavailable("records: away")
        return self.newest

    async def head(self) -> int:
        if self.meters_raise:
            raise StoreUnavailable("meters: away")
        return self.newest


class Control:
    """A control plane on such stores."""

    def __init__(self, api: GatewayApi) -> None:
        self.api = api
        self.stores = Stores()
        self.standing = Standing(self.stores, self.stores, "a-node", since=1.0)  # type: ignore[arg-type] # all it asks
        api.app = App(api.desk._replace(standing=self.standing))

    def ready(self) -> tuple[int, dict[str, Any]]:
        self.api.run(self.standing.look())
        answer = self.api.call("GET", "/ready", X_Tyk_Authorization="")
        return answer.status_code, answer.json()


@pytest.fixture
def control(api: GatewayApi) -> Control:
    return Control(api)


def test_it_is_ready_while_both_stores_answer(control: Control) -> None:
    control.standing.leads = True
    status, document = control.ready()
    assert (status, document["status"], document["description"]) == (200, "pass", "Propylon ready")
    assert document["details"] == {"role": "all", "leads": True, "revision": 7, "stores": "pass", "durability": []}


def test_without_the_records_it_can_answer_nothing(control: Control) -> None:
    control.stores.records_away = True
    assert control.ready() == (503, {"status": "error", "message": "The records are away"})
    control.stores.records_away = False
    assert control.ready()[0] == 200


@pytest.mark.parametrize("how", ["meters_raise", "is_away"])
def test_without_the_meters_it_is_degraded_unless_it_shall_not_be_ready(make: Make, how: str) -> None:
    for requires, status in ((False, 200), (True, 503)):
        control = Control(make(ready_requires_stores=requires))
        setattr(control.stores, how, True)
        found, document = control.ready()
        assert (found, document["status"]) == (status, "error" if requires else "degraded")


def test_meters_that_may_forget_are_named_with_the_remedy(control: Control) -> None:
    control.stores.troubles = FORGETFUL
    status, document = control.ready()
    assert (status, document["details"]["durability"]) == (200, ["set appendonly yes"])


def test_it_is_not_ready_while_it_ends(control: Control) -> None:
    control.standing.is_ending = True
    assert control.ready() == (503, {"status": "error", "message": "Gateway is shutting down"})


def test_hello_says_that_the_process_lives_whatever_is_away(control: Control) -> None:
    control.stores.records_away = control.stores.meters_raise = True
    control.ready()
    answer = control.api.call("GET", "/hello", X_Tyk_Authorization="")
    assert (answer.status_code, answer.json()["status"]) == (200, "pass")


@pytest.mark.parametrize("path", ["/hello", "/ready"])
def test_they_answer_get_and_head_alone(control: Control, path: str) -> None:
    assert control.api.call("HEAD", path, X_Tyk_Authorization="").status_code == 200
    answer = control.api.call("POST", path, X_Tyk_Authorization="")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert answer.json()["message"] == "Method Not Allowed"


@pytest.mark.parametrize("path", ["/ready/", "/hello/x", "/Ready", "/tyk/ready"])
def test_no_other_path_is_open_without_the_secret(control: Control, path: str) -> None:
    assert control.api.call("GET", path, X_Tyk_Authorization="").status_code == 403


def test_what_is_away_is_logged_once_and_numbered(control: Control, caplog: pytest.LogCaptureFixture) -> None:
    control.stores.records_away = True
    for _ in range(3):
        control.ready()
    assert len(caplog.records) == 1
    numbers = control.standing.numbers()
    assert (numbers["records_away"], numbers["meters_away"], numbers["head_revision"]) == (1, 0, 7)


def test_only_who_leads_says_how_much_usage_waits(control: Control) -> None:
    control.standing.lines_waiting = 5
    assert "usage_lines_waiting" not in control.standing.numbers()
    control.standing.leads = True
    assert control.standing.numbers()["usage_lines_waiting"] == 5


def test_the_leader_says_what_another_root_secret_has_sealed(control: Control) -> None:
    control.standing.sealed_with_other = 3
    assert "sealed_with_other_root_secret" not in control.ready()[1]["details"]
    control.standing.leads = True
    assert control.ready()[1]["details"]["sealed_with_other_root_secret"] == 3
