"""Grants and revocations at the worst moments (design §3.2): each schedule is set by a hook, none is left to chance.

The change is written and announced inside the hook, that is: its API call has answered before the decision goes on.
"""

import asyncio
from typing import Any

import pytest

from propylon.errors import StoreUnavailable
from propylon.stores.ports import Change
from tests.kit.answers import events, stall
from tests.kit.client import Client, get
from tests.kit.data_path import data_path
from tests.kit.definitions import jwt_api, keyless_api, policy, session, token_api
from tests.kit.origin import Origin
from tests.kit.tokens import SECRET, hs256
from tests.kit.waiting import SAFETY_S

KEY = {"Authorization": "the-key"}
LIMITED = session("token", rate=100, per=60)
REFUSED = 403


@pytest.mark.parametrize("body", [session("token"), LIMITED], ids=["charges-nothing", "charges"])
def test_a_key_deleted_between_its_look_up_and_its_fill_is_refused(body: dict[str, Any]) -> None:
    with Origin() as origin, data_path(token_api(origin.url), keys={"the-key": body}) as path:
        path.change_after_read(lambda: path.records.delete_key("the-key"))
        assert [get(path.url + "/token/", KEY).status for _ in range(2)] == [REFUSED, REFUSED]
        assert not origin.requests


def test_a_key_deleted_between_its_cache_hit_and_its_charge_is_refused() -> None:
    with Origin() as origin, data_path(token_api(origin.url), keys={"the-key": LIMITED}) as path:
        assert get(path.url + "/token/", KEY).status == 200
        path.change_before_admit(lambda: path.records.delete_key("the-key"))
        assert get(path.url + "/token/", KEY).status == REFUSED
        assert len(origin.requests) == 1


def test_a_key_made_just_before_its_refusal_is_let_through() -> None:
    with Origin() as origin, data_path(token_api(origin.url)) as path:
        path.change_after_read(lambda: path.records.put_key("the-key", LIMITED))
        assert get(path.url + "/token/", KEY).status == 200


def test_rights_granted_after_the_look_up_are_seen_by_that_request() -> None:
    with Origin() as origin, data_path(token_api(origin.url), keys={"the-key": session("another")}) as path:
        path.change_after_read(lambda: path.records.put_key("the-key", LIMITED))
        assert get(path.url + "/token/", KEY).status == 200


def test_a_policy_taken_away_before_the_charge_is_obeyed() -> None:
    keys = {"the-key": session(apply_policies=["gold"])}
    gold = policy("gold", "token", rate=100, per=60)
    with Origin() as origin, data_path(token_api(origin.url), keys=keys, policies=[gold]) as path:
        assert get(path.url + "/token/", KEY).status == 200
        path.change_before_admit(lambda: path.records.put_policy(policy("gold", "another")))
        assert get(path.url + "/token/", KEY).status == REFUSED


def test_an_api_deleted_before_the_charge_is_no_longer_there() -> None:
    with Origin() as origin, data_path(token_api(origin.url), keys={"the-key": LIMITED}) as path:
        path.change_before_admit(lambda: path.records.delete_api("token"))
        assert get(path.url + "/token/", KEY).status == 404
        assert not origin.requests


def test_a_change_of_another_record_does_not_disturb_a_decision() -> None:
    keys = {"the-key": LIMITED, "other": LIMITED}
    with Origin() as origin, data_path(token_api(origin.url), keys=keys) as path:
        path.change_before_admit(lambda: path.records.delete_key("other"))
        assert get(path.url + "/token/", KEY).status == 200
        assert len(path.records.reads) == 1


def test_a_decision_made_again_is_charged_once() -> None:
    limits = {"quota_max": 10, "quota_renewal_rate": 60}
    with Origin() as origin, data_path(token_api(origin.url), keys={"the-key": LIMITED | limits}) as path:
        path.change_before_admit(lambda: path.records.put_key("the-key", LIMITED | limits))
        assert [get(path.url + "/token/", KEY).value("x-ratelimit-remaining") for _ in range(2)] == ["9", "8"]


def test_a_decision_that_changes_under_way_three_times_is_given_up() -> None:
    with Origin() as origin, data_path(token_api(origin.url), keys={"the-key": LIMITED}) as path:
        path.change_after_read(lambda: path.records.put_key("the-key", LIMITED), times=3)
        answer = get(path.url + "/token/", KEY)
        assert (answer.status, path.recorded[0].denial and path.recorded[0].denial.reason) == (503, "changed_under_way")
        assert not origin.requests
        assert get(path.url + "/token/", KEY).status == 200


def test_a_decision_that_changes_under_way_twice_is_made() -> None:
    with Origin() as origin, data_path(token_api(origin.url), keys={"the-key": LIMITED}) as path:
        path.change_after_read(lambda: path.records.put_key("the-key", LIMITED), times=2)
        assert get(path.url + "/token/", KEY).status == 200


def test_a_change_of_everything_forgets_every_key() -> None:
    with Origin() as origin, data_path(token_api(origin.url), keys={"the-key": LIMITED}) as path:
        get(path.url + "/token/", KEY)
        path.run(path.announce(path.records.change_everything()))
        assert get(path.url + "/token/", KEY).status == 200
        assert len(path.records.reads) == 2


def test_an_api_written_is_served_by_the_next_request_and_one_deleted_is_not() -> None:
    with Origin() as origin, data_path() as path:
        assert get(path.url + "/keyless/").status == 404
        path.put_api(keyless_api(origin.url))
        assert get(path.url + "/keyless/").status == 200
        path.run(path.announce(path.records.delete_api("keyless")))
        assert get(path.url + "/keyless/").status == 404


def test_a_definition_that_does_not_compile_does_not_replace_one_that_did() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path:
        path.put_api(keyless_api("not a url"))
        assert get(path.url + "/keyless/").status == 200
        assert path.parts.follow.snapshot.apis["keyless"].problems


def test_a_limit_of_the_api_that_changes_holds_for_keys_already_known() -> None:
    with Origin() as origin, data_path(token_api(origin.url), keys={"the-key": session("token")}) as path:
        assert [get(path.url + "/token/", KEY).status for _ in range(3)] == [200] * 3
        path.put_api(token_api(origin.url, global_rate_limit={"rate": 1, "per": 60}))
        assert [get(path.url + "/token/", KEY).status for _ in range(2)] == [200, 429]
        path.put_api(token_api(origin.url, disable_rate_limit=True))
        assert get(path.url + "/token/", KEY).status == 200


# -- exchanges that run when their permission ends -----------------------------------------------------------------


def test_a_stream_ends_when_its_key_is_deleted() -> None:
    with (
        Origin(events(["one"])) as origin,
        data_path(token_api(origin.url), keys={"the-key": LIMITED}) as path,
        Client(path.port) as client,
    ):
        client.send(b"GET /token/ HTTP/1.1\r\nHost: x\r\nAuthorization: the-key\r\n\r\n")
        client.read_until(b"data: one\n\n")
        path.delete_key("the-key")
        path.run(path.parts.follow.catch_up())
        assert not client.read_to_end().endswith(b"0\r\n\r\n")
    assert [one.failure for one in path.recorded] == ["revoked"]


def test_a_stream_whose_head_comes_after_the_delete_ends_too() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n"
    with (
        Origin(stall(b"", head)) as origin,
        data_path(token_api(origin.url), keys={"the-key": LIMITED}) as path,
        Client(path.port) as client,
    ):
        client.send(b"GET /token/ HTTP/1.1\r\nHost: x\r\nAuthorization: the-key\r\n\r\n")
        origin.wait_for(1)
        path.delete_key("the-key")
        path.run(path.parts.follow.catch_up())
        origin.release()
        client.read_until(b"one\r\n")
        path.loop.call_soon_threadsafe(path.parts.revocation.sweep)
        client.expect_end()


def test_a_stream_goes_on_when_its_key_changes_and_still_may() -> None:
    with (
        Origin(events(["one"])) as origin,
        data_path(token_api(origin.url), keys={"the-key": LIMITED}) as path,
        Client(path.port) as client,
    ):
        client.send(b"GET /token/ HTTP/1.1\r\nHost: x\r\nAuthorization: the-key\r\n\r\n")
        client.read_until(b"data: one\n\n")
        path.put_key("the-key", LIMITED | {"alias": "renamed"})
        path.run(path.parts.follow.catch_up())
        path.loop.call_soon_threadsafe(path.parts.revocation.sweep)
        origin.release()
        client.expect(b"\r\n0\r\n\r\n")


def test_a_tunnel_ends_when_its_token_does() -> None:
    token = hs256({"exp": 1_800_000_100}, kid="the-key")
    keys = {"the-key": session("jwt", jwt_data={"secret": SECRET})}
    upgrade = b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    with (
        Origin(stall(upgrade)) as origin,
        data_path(jwt_api(origin.url), keys=keys) as path,
        Client(path.port) as client,
    ):
        client.send(
            b"GET /jwt/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: %b\r\n\r\n"
            % token.encode()
        )
        assert client.read_response().status == 101
        path.advance(99)
        path.loop.call_soon_threadsafe(path.parts.revocation.sweep)
        assert path.parts.running
        path.advance(2)
        path.loop.call_soon_threadsafe(path.parts.revocation.sweep)
        client.expect_end()
    assert [one.failure for one in path.recorded] == ["token_expired"]


# -- doubt ---------------------------------------------------------------------------------------------------------


def test_meters_that_lost_their_head_make_the_worker_read_everything_once() -> None:
    with Origin() as origin, data_path(token_api(origin.url), keys={"the-key": LIMITED}) as path:
        get(path.url + "/token/", KEY)
        path.run(path.lose_head())
        for _ in range(5):
            assert get(path.url + "/token/", KEY).status == 200
        assert len(path.records.reads) == 2


def test_who_waits_for_a_catch_up_that_fails_does_not_begin_another() -> None:
    """Each would take as long as records that do not answer are waited for."""
    asked = []

    async def silent(revision: int) -> list[Change] | None:
        asked.append(revision)
        await asyncio.sleep(0)
        raise StoreUnavailable("records: no answer in time")

    with Origin() as origin, data_path(token_api(origin.url), keys={"the-key": LIMITED}) as path:
        answers, path.records.changes_after = path.records.changes_after, silent  # type: ignore[method-assign]
        path.run(path.announce(path.records.put_key("other", LIMITED)))
        ask = path.parts.follow.catch_up
        waiting = [asyncio.run_coroutine_threadsafe(ask(), path.loop) for _ in range(5)]
        assert {type(one.exception(SAFETY_S)) for one in waiting} == {StoreUnavailable}
        assert len(asked) < 5
        path.records.changes_after = answers  # type: ignore[method-assign]
        assert get(path.url + "/token/", {"Authorization": "other"}).status == 200


def test_a_change_after_the_head_was_lost_is_seen() -> None:
    with Origin() as origin, data_path(token_api(origin.url), keys={"the-key": LIMITED}) as path:
        path.run(path.lose_head())
        assert get(path.url + "/token/", KEY).status == 200
        path.delete_key("the-key")
        assert get(path.url + "/token/", KEY).status == REFUSED
