"""A gateway that hands its exchanges to Tyk's pump, by a real Redis."""

import msgpack
from redis import Redis

from propylon.stores.pump_queue import LIST
from tests.kit.client import get
from tests.kit.definitions import keyless_api
from tests.kit.gateway import running_gateway
from tests.kit.origin import Origin
from tests.kit.redis_server import running_redis


def test_exchanges_are_in_the_list_of_the_pump_when_the_gateway_has_ended_and_the_untracked_are_not() -> None:
    with running_redis() as redis, Origin() as origin:
        apis = [keyless_api(origin.url, "open"), keyless_api(origin.url, "hidden", do_not_track=True)]
        with running_gateway(apis, settings={"pump_url": redis.url(), "workers": 2}) as gateway:
            for _ in range(7):
                assert get(f"{gateway.url}/open/x").status == 200
                assert get(f"{gateway.url}/hidden/x").status == 200
                assert get(f"{gateway.url}/nowhere").status == 404
        taken = [msgpack.unpackb(one) for one in Redis.from_url(redis.url()).lrange(LIST, 0, -1)]
    assert [(one["APIID"], one["ResponseCode"], one["OriginalPath"]) for one in taken] == [("open", 200, "/open/x")] * 7
