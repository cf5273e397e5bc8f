"""The dashboard's REST API on a real control plane, and callers of it: users of two organisations."""

import json
from typing import Any

import httpx
import pytest

from propylon.control.dashboard_api.routes import DashboardApi
from propylon.control.desk import Desk
from propylon.control.people.users import create_user
from tests.control.conftest import GatewayApi, Make
from tests.kit.definitions import token_api
from tests.kit.people import ADMINISTRATION

READS = {"analytics": "read", "logs": "read"}  # of which nothing is written
WRITES_ALL = {"apis": "write", "keys": "write", "policies": "write", **READS}
READS_ALL = {"apis": "read", "keys": "read", "policies": "read", **READS}
PEOPLE: dict[str, tuple[str, dict[str, str]]] = {
    "anna": ("acme", WRITES_ALL),
    "otto": ("other", WRITES_ALL),
    "rita": ("acme", READS_ALL),
    "nils": ("acme", {"portal": "read"}),
}


async def access_key_of(desk: Desk, name: str) -> str:
    """Of a user who is made without a password, as that takes its time."""
    org_id, levels = PEOPLE[name]
    values = {"email_address": f"{name}@example.org", "org_id": org_id, "user_permissions": levels}
    return (await create_user(desk, ADMINISTRATION, values)).access_key


class Dashboard:
    """Asks as one of the people above."""

    def __init__(self, gateway: GatewayApi) -> None:
        self.gateway = gateway
        self.app = DashboardApi(gateway.desk)
        self.keys = {f"{name}-key": gateway.run(access_key_of(gateway.desk, name)) for name in PEOPLE}

    def call(self, method: str, path: str, body: Any = None, who: str = "anna-key", **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        """`who` is a name of `keys`, behind a scheme or not, or else what is sent as it is."""
        for name, access_key in self.keys.items():
            who = who.replace(name, access_key)
        fields = {"Authorization": who} | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.gateway.run(self._call(method, path, content, {name: one for name, one in fields.items() if one}))

    async def _call(self, method: str, path: str, content: bytes | None, fields: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://dashboard") as client:
            return await client.request(method, path, content=content, headers=fields)


@pytest.fixture
def dashboard(make: Make) -> Dashboard:
    made = Dashboard(make(page_size=3))
    assert made.gateway.call("POST", "/tyk/apis", token_api("http://u/", "acme-api", org_id="acme")).status_code == 200
    return made
