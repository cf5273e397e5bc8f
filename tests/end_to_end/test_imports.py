"""Keys of Tyk on real workers, or nodes: the thread's four IDs, their spellings, two IDs of one hash at one moment."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from propylon.model.tyk_hashes import documented, legacy_hash
from tests.kit.client import get
from tests.kit.definitions import jwt_api, session, token_api
from tests.kit.front import FRONTS, Front, running_front
from tests.kit.origin import Origin
from tests.kit.tokens import SECRET, hs256

ORG = "5aaa35ad7d0d6e000187d6ea"  # of the forum thread
ALIKE = ("aaa-bbb-999", "aaa-bbb-99", "aaa-bbb-", "aaa-bbb-xyz")  # one hash in Tyk
FOREVER = 4_000_000_000

# A node without a control process asks nobody to pin a key (workers.py): on a fleet, IDs have to be listed.
pins_at_first_use = pytest.mark.parametrize("gateway", ["machine"], indirect=True)


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin() as running:
        yield running


@pytest.fixture(params=FRONTS)
def gateway(request: pytest.FixtureRequest, origin: Origin) -> Iterator[Front]:
    apis = [token_api(origin.url, org_id=ORG), jwt_api(origin.url, org_id=ORG)]
    settings = {"workers": 2, "default_org_id": ORG, "legacy_pin_on_first_use_until": FOREVER}
    with running_front(request.param, apis, settings=settings) as running:
        yield running


def import_key(gateway: Front, legacy: str, *key_ids: str, **members: Any) -> None:
    key = session("token", "jwt", org_id=ORG, legacy_hash=legacy, **members)
    answer = gateway.api("POST", "/tyk/keys/import", {"keys": [key], "key_ids": key_ids})
    assert answer.status == 200, answer.body


def status(gateway: Front, key_id: str) -> int:
    return get(f"{gateway.url}/token/x", {"Authorization": key_id}).status


def test_of_the_four_ids_of_the_thread_only_the_listed_one_passes(gateway: Front) -> None:
    import_key(gateway, legacy_hash("murmur32", ORG + ALIKE[0]).digest, ALIKE[0])
    assert [status(gateway, key_id) for key_id in ALIKE] == [200, 403, 403, 403]
    assert [status(gateway, ORG + key_id) for key_id in ALIKE] == [200, 403, 403, 403]


@pins_at_first_use
def test_of_two_ids_with_one_hash_that_come_at_once_one_is_let_in_and_stays_in(gateway: Front) -> None:
    import_key(gateway, legacy_hash("murmur32", ORG + ALIKE[0]).digest)
    with ThreadPoolExecutor(8) as threads:
        first = list(threads.map(lambda key_id: (key_id, status(gateway, key_id)), ALIKE * 4))
    let_in = {key_id for key_id, answer in first if answer == 200}
    assert len(let_in) == 1
    assert [status(gateway, key_id) == 200 for key_id in ALIKE] == [key_id in let_in for key_id in ALIKE]


@pins_at_first_use
def test_every_spelling_that_tyk_took_works_and_shares_the_quota(gateway: Front) -> None:
    document = documented(ORG, "exact", "murmur64")
    import_key(gateway, legacy_hash("murmur64", document).digest, quota_max=3, quota_renewal_rate=3600)
    assert [status(gateway, text) for text in (document, "exact", ORG + "exact", "exact")] == [200, 200, 200, 403]


@pins_at_first_use
def test_a_jwt_key_is_found_by_the_kid_that_its_secret_vouches_for(gateway: Front) -> None:
    import_key(gateway, legacy_hash("murmur32", ORG + ALIKE[0]).digest, jwt_data={"secret": SECRET})

    def call(kid: str, secret: str) -> int:
        token = hs256({"sub": "x"}, secret, kid=kid)
        return get(f"{gateway.url}/jwt/x", {"Authorization": f"Bearer {token}"}).status

    assert call(ALIKE[1], "not-its-secret") == 403
    assert call(ALIKE[0], SECRET) == 200
    assert [call(kid, SECRET) for kid in ALIKE] == [200, 403, 403, 403]


def test_what_is_done_to_an_imported_key_holds_for_every_spelling(gateway: Front) -> None:
    import_key(gateway, legacy_hash("murmur32", ORG + "spelled-1").digest, "spelled-1")
    spellings = ("spelled-1", ORG + "spelled-1")
    for action, expected in [("suspend", 403), ("resume", 200), ("rotate", 200)] * 2:
        assert gateway.api("POST", f"/tyk/keys/spelled-1/{action}", {}).status == 200
        assert {status(gateway, text) for text in spellings * 4} == {expected}
    assert gateway.api("POST", "/tyk/keys/spelled-1/ring/1/retire", {}).status == 200
    assert {status(gateway, text) for text in spellings * 4} == {403}
