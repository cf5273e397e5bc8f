"""A real gateway that records exchanges whole: from the socket to the records."""

import json
import sqlite3
from typing import Any

from tests.kit.client import get, post
from tests.kit.definitions import keyless_api, session, token_api
from tests.kit.gateway import Gateway, running_gateway
from tests.kit.origin import Origin
from tests.kit.waiting import eventually


def details(gateway: Gateway) -> dict[str, Any]:
    """Of the request log, by path."""
    with sqlite3.connect(gateway.folder / "data" / "usage.db") as connection:
        return {path: json.loads(text) for path, text in connection.execute("SELECT path, details FROM request_log")}


def test_what_is_recorded_is_in_the_log_and_as_much_of_bodies_as_was_set() -> None:
    with Origin() as origin:
        apis = [
            keyless_api(origin.url, "open", enable_detailed_recording=True),
            keyless_api(origin.url, "hidden", enable_detailed_recording=True, do_not_track=True),
            token_api(origin.url),
        ]
        with running_gateway(apis, settings={"recorded_body_max_bytes": 3, "workers": 1}) as gateway:
            for key_id, is_recorded in (("watched", True), ("unwatched", False)):
                key = session("token", enable_detail_recording=is_recorded)
                made = gateway.api("POST", f"/tyk/keys/{key_id}", key)
                assert made.json()["warnings"] == []
                assert get(f"{gateway.url}/token/{key_id}", {"Authorization": key_id}).status == 200
            assert post(f"{gateway.url}/open/a?api_key=canary", b"a body").status == 200
            assert get(f"{gateway.url}/hidden/a").status == 200
            eventually(lambda: len(details(gateway)) == 3)
            found = details(gateway)
    assert found.keys() == {"/open/a", "/token/watched", "/token/unwatched"}
    told = found["/open/a"]
    assert told["request"]["line"] == "POST /open/a?api_key=*** HTTP/1.1"
    assert (told["request"]["body"], told["request"]["body_bytes"], told["request"]["body_cut"]) == ("a b", 6, True)
    assert (told["response"]["body"], told["response"]["body_bytes"]) == ("hel", 5)
    assert found["/token/unwatched"] == {}
    assert ["Authorization", "***"] in found["/token/watched"]["request"]["headers"]


def test_a_worker_keeps_no_more_in_a_second_than_its_budget_and_counts_on() -> None:
    body = b"x" * 16_384
    with (
        Origin() as origin,
        running_gateway(
            [keyless_api(origin.url, "open", enable_detailed_recording=True)],
            settings={"recorded_body_max_bytes": 16_384, "workers": 1, "request_log_per_s": 1_000},
        ) as gateway,
    ):
        for number in range(40):
            assert post(f"{gateway.url}/open/{number}", body).status == 200
        eventually(lambda: len(details(gateway)) == 40)
        found = details(gateway).values()
        not_kept = [one["not_kept"] for one in found if "not_kept" in one]
        assert len(not_kept) < 40
        assert all("more was recorded in that second" in why for why in not_kept)
        metric = "propylon_worker_recordings_not_kept_total"

        def counted() -> bool:
            lines = gateway.api("GET", "/tyk/metrics").body.decode().splitlines()
            return sum(float(one.split()[-1]) for one in lines if one.startswith(metric)) == len(not_kept)

        eventually(counted)
