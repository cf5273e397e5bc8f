"""Key sets that are dropped while a decision is under way: it is made again, by what there is then (J-20)."""

from collections.abc import Awaitable, Callable

from propylon.jose.verification import VerificationRecord, from_pem
from propylon.model.issuer_settings import IssuerSettings
from tests.kit.deciding import PublishedKeys, deciding
from tests.kit.definitions import jwt_api, policy
from tests.kit.tokens import public_pem, rsa_key, sign

API = jwt_api(
    "http://u/",
    "a",
    jwt_signing_method="rsa",
    jwt_jwks_uris=[{"url": "https://idp.example/keys"}],
    jwt_policy_field_name="pol",
)
TOKEN = sign({"sub": "alice", "pol": "gold"}, rsa_key(), "RS256", kid="k1")


class DroppedOnce(PublishedKeys):
    """When its key has been asked for, the set is dropped, and the next one lacks it."""

    drop: Callable[[], Awaitable[None]]

    async def record(self, issuer: IssuerSettings, kid: str | None, alg: str) -> VerificationRecord | str:
        found = await super().record(issuer, kid, alg)
        if self.records:
            self.records.clear()
            await self.drop()
        return found


def test_a_token_verified_with_a_set_that_is_dropped_under_way_is_judged_by_the_next_one() -> None:
    key = from_pem(public_pem(rsa_key()).encode(), family="rsa", id="k1")
    assert isinstance(key, VerificationRecord)
    issuers = DroppedOnce({("", "k1"): key})
    with deciding(API, policies=[policy("gold", "a", rate=100, per=60)], issuers=issuers) as at:
        issuers.drop = lambda: at.announce(at.records.drop_key_sets())
        before = issuers.distrusted
        assert at.reason("/a/", TOKEN) == "jwks_kid_unknown"
        assert issuers.distrusted == before + 1
