"""The example traffic of the demo, sent to a gateway with the APIs of the demo's own kinds."""

import random
from collections import Counter
from collections.abc import Iterator
from itertools import islice

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from propylon.cli.demo_traffic import asks, sessions, traffic_keys
from propylon.clock import SystemClock
from tests.kit.client import get
from tests.kit.definitions import jwt_api, keyless_api, policy, token_api
from tests.kit.gateway import Gateway, running_gateway
from tests.kit.origin import Origin

SEED = 20261128
ASKED = 400
IDP = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KEYS = traffic_keys("a secret")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    pem = IDP.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    central = {"jwt_signing_method": "rsa", "jwt_source": pem.decode(), "jwt_identity_base_field": "sub"}
    with Origin() as origin:
        apis = [
            keyless_api(origin.url),
            token_api(origin.url, "auth-token"),
            jwt_api(origin.url, "jwt-per-key", jwt_require_kid=True),
            jwt_api(origin.url, "jwt-shared", jwt_policy_field_name="pol", **central),
        ]
        with running_gateway(apis, [policy("partner", "jwt-shared", rate=1000, per=60)]) as running:
            for key_id, body in sessions(KEYS).items():
                assert running.api("POST", f"/tyk/keys/{key_id}", body).json()["warnings"] == []
            yield running


def test_most_are_let_in_and_each_common_refusal_comes_by(gateway: Gateway) -> None:
    pem = IDP.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    sent = islice(asks(KEYS, pem.decode(), random.Random(SEED), lambda: int(SystemClock.wall())), ASKED)
    answers = Counter(
        get(f"{gateway.url}/{ask.path}", {"Authorization": ask.credential} if ask.credential else {}).status
        for ask in sent
    )
    assert answers.keys() == {200, 401, 403, 404, 429}
    assert answers[200] > ASKED / 2


def test_a_second_run_of_the_same_demo_finds_its_callers() -> None:
    assert traffic_keys("a secret") == KEYS
    assert traffic_keys("another") != KEYS
