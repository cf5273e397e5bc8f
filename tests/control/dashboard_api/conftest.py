"""The dashboard's REST API on a real control plane, and callers of it: users of two organisations."""

import json
from typing import Any, NamedTuple

import httpx
import pytest

from propylon.control.dashboard_api.routes import routes
from propylon.control.desk import Desk
from tests.control.conftest import GatewayApi, Make
from tests.kit.definitions import token_api


class Allowed(NamedTuple):
    """A level for each area, as permissions are."""

    levels: dict[str, str]

    def allows(self, area: str, level: str) -> bool:
        order = ("deny", "read", "write")
        return order.index(self.levels.get(area, "deny")) >= order.index(level)


class Person(NamedTuple):
    user_id: str
    org_id: str
    permissions: Allowed

    @property
    def email(self) -> str:
        return f"{self.user_id}@example.org"


READS = {"analytics": "read", "logs": "read"}  # of which nothing is written
WRITES_ALL = Allowed({"apis": "write", "keys": "write", "policies": "write", **READS})
READS_ALL = Allowed({"apis": "read", "keys": "read", "policies": "read", **READS})
PEOPLE = {
    "anna-key": Person("anna", "acme", WRITES_ALL),
    "otto-key": Person("otto", "other", WRITES_ALL),
    "rita-key": Person("rita", "acme", READS_ALL),
    "nils-key": Person("nils", "acme", Allowed({})),
}


async def by_access_key(desk: Desk, access_key: str) -> Person | None:
    return PEOPLE.get(access_key)


class Dashboard:
    """Asks as one of the people above."""

    def __init__(self, gateway: GatewayApi) -> None:
        self.gateway = gateway
        self.app = routes(gateway.desk, by_access_key)

    def call(self, method: str, path: str, body: Any = None, who: str = "anna-key", **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
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
