"""A real gateway with its dashboard, keys of each kind, and some traffic behind it: one for a module of tests."""

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator

import httpx

from tests.kit.client import request
from tests.kit.definitions import jwt_api, policy, session, token_api
from tests.kit.gateway import Gateway, running_gateway
from tests.kit.origin import Origin
from tests.kit.ports import free_port
from tests.kit.tokens import SECRET, hs256
from tests.kit.waiting import SAFETY_S, eventually

EMAIL, PASSWORD = "ada@example.com", "correct horse battery"
KEY_ID, ALIAS = "a-key-of-the-warehouse", "Warehouse sync"
SENT, REFUSED = 6, 3


class RunningDashboard:
    """`url` is the dashboard's, `gateway` what it is of; `key_hash` that of a key with traffic."""

    def __init__(self, gateway: Gateway, port: int) -> None:
        self.gateway = gateway
        self.url = f"http://127.0.0.1:{port}"
        self.email, self.password = EMAIL, PASSWORD
        self.key_hash = ""

    def new_user(self, email: str, *rights: str) -> str:
        """The temporary password of a user whom the command line makes, as for an owner who is locked out."""
        command = [sys.executable, "-m", "propylon.cli.main", "users", "create", email, *rights]
        command += ["--config", str(self.gateway.config)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
        return next(line.split()[-1] for line in made.stdout.splitlines() if line.startswith("password"))

    def add_user(self) -> None:
        """An administrator, whose password is theirs already."""
        temporary = self.new_user(self.email, "--admin")
        with httpx.Client(base_url=self.url, headers={"Origin": self.url}, timeout=SAFETY_S) as client:
            _submit(client, "/login", email=self.email, password=temporary)
            _submit(client, "/password", current=temporary, new=self.password, again=self.password)

    @contextlib.contextmanager
    def signed_in(self) -> Iterator[httpx.Client]:
        """The administrator, without JavaScript."""
        with httpx.Client(base_url=self.url, headers={"Origin": self.url}, timeout=SAFETY_S) as client:
            _submit(client, "/login", email=self.email, password=self.password)
            yield client

    def fill(self) -> None:
        """Keys, and requests that pass and that are refused; returns once the records have counted them."""
        self.key_hash = self._key(KEY_ID, "token", alias=ALIAS, rate=100, per=1, quota_max=500, tags=["eu", "batch"])
        self._key("acme", "jwt", alias="Acme Ltd", jwt_data={"secret": SECRET})
        self._key("a-key-without-alias", "token", apply_policies=[], expires=2_000_000_000)
        for number in range(30):
            self._key(f"customer-{number:02}", "token", alias=f"Customer {number:02}")
        for _ in range(SENT):
            request("GET", f"{self.gateway.url}/token/orders", None, {"Authorization": KEY_ID})
            request("GET", f"{self.gateway.url}/jwt/pay", None, {"Authorization": f"Bearer {self.token('acme')}"})
        for _ in range(REFUSED):
            request("GET", f"{self.gateway.url}/jwt/pay", None, {"Authorization": f"Bearer {self.token('acm')}"})
        eventually(lambda: self._counted() == 2 * SENT + REFUSED)

    def token(self, kid: str) -> str:
        return hs256({"sub": "ada", "exp": 2_000_000_000}, kid=kid)

    def _key(self, key_id: str, api_id: str, **members: object) -> str:
        answer = self.gateway.api("POST", f"/tyk/keys/{key_id}", session(api_id, **members))
        assert answer.status == 200, answer.body
        return str(answer.json()["key_hash"])

    def _counted(self) -> int:
        rows = self.gateway.api("GET", "/tyk/usage?step=day").json()["usage"]
        return sum(row["exchanges"] for row in rows)


@contextlib.contextmanager
def running_dashboard() -> Iterator[RunningDashboard]:
    port = free_port()
    with Origin() as origin:
        apis = [token_api(origin.url, name="Payments"), jwt_api(origin.url, name="Charges")]
        settings = {"dashboard_listen": f"127.0.0.1:{port}"}
        with running_gateway(apis, [policy("gold", "token", rate=7, per=60)], settings) as gateway:
            dashboard = dashboard_of(gateway, port)
            dashboard.fill()
            yield dashboard


def dashboard_of(gateway: Gateway, port: int) -> RunningDashboard:
    """Of a gateway that runs; with its first user."""
    dashboard = RunningDashboard(gateway, port)
    eventually(lambda: _answers(dashboard.url))
    dashboard.add_user()
    return dashboard


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/login").status_code == 200
    except httpx.TransportError:
        return False


def _submit(client: httpx.Client, path: str, **fields: str) -> None:
    csrf = re.search(r'name="csrf" value="([^"]+)"', client.get(path).text)
    assert csrf is not None
    answer = client.post(path, data={"csrf": csrf[1], **fields})
    assert answer.status_code == 303, answer.text
