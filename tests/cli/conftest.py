"""One real gateway for the commands that ask one, and whoever operates it."""

from collections.abc import Iterator

import pytest

from tests.kit.command import Operator
from tests.kit.definitions import jwt_api, token_api
from tests.kit.gateway import Gateway, running_gateway
from tests.kit.origin import Origin


@pytest.fixture(scope="package")
def gateway() -> Iterator[Gateway]:
    with Origin() as origin, running_gateway() as running:
        for definition in (jwt_api(origin.url, "jwt"), token_api(origin.url, "token")):
            assert running.api("POST", "/tyk/apis", definition).status == 200
        yield running


@pytest.fixture
def operator(gateway: Gateway) -> Operator:
    return Operator(gateway.url, gateway.secret)
