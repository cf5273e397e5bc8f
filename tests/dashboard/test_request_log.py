"""The request log: found, paged, exported, told whole on a page of its own, and followed as it grows."""

import asyncio
import csv
import io
from html import unescape
from typing import Any

import pytest

from propylon.control.usage_api import logs
from propylon.dashboard.activity.followers import FOLLOWERS_PER_USER_MAX
from propylon.dashboard.pages.log_live import AT_ONCE
from propylon.model.permissions import Permissions
from propylon.usage.drain import Drain
from propylon.usage.line import Line, LogEntry, encode
from tests.control.conftest import GatewayApi
from tests.dashboard.conftest import NewVisitor
from tests.dashboard.traffic import CREDENTIAL, OURS, Used, use
from tests.kit.fake_people import fake_user
from tests.kit.follower import Follower
from tests.kit.visitor import Visitor, text_of


@pytest.fixture
def used(api: GatewayApi) -> Used:
    return use(api)


def log(api: GatewayApi, *paths: str, at: float | None = None, recording: dict[str, Any] | None = None) -> None:
    """One entry for each path, of a caller without a key; `recording` is of the first."""
    when = api.clock.wall() if at is None else at
    entries = [LogEntry(when, "token", "", "", "", "GET", path, 200, "", 900, 200, "203.0.113.7", 1) for path in paths]
    recordings = {} if recording is None else {0: recording}
    line = Line(int(when) // 60, [], entries, {}, apis={"token": OURS}, recordings=recordings)
    api.run(api.meters.enqueue([encode(line)]))
    api.run(Drain(api.desk.records, api.meters).run_once())


def test_each_request_is_named_and_says_why_it_was_refused_and_for_how_many_it_stands(
    used: Used, visitor: Visitor
) -> None:
    page = visitor.get("/logs")
    shown = unescape(text_of(page))
    assert "GET /orders/17 rate_limited the caller's rate is used up Payments Warehouse" in shown
    assert "1 in 4" in shown
    assert "Gone Ltd deleted" in shown, "a deleted key is called what it was called then"
    assert "no key" in shown
    assert "canary-stranger" not in shown
    assert page.text.count("data-entry=") == 4


def test_log_and_rest_api_and_export_say_the_same(used: Used, api: GatewayApi, visitor: Visitor) -> None:
    told = api.run(logs.logs(api.desk, "default", {}, {"p": "-1"}))["data"]
    exported = list(csv.DictReader(io.StringIO(visitor.get("/logs?format=csv").text)))
    assert [(row["id"], row["status"], row["one_in"]) for row in exported] == [
        (str(one["id"]), str(one["response_code"]), str(one["one_in"])) for one in told
    ]
    assert len(visitor.get("/logs?format=json").json()) == len(told) == 4


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("code=429", 1),
        ("errors=1", 2),
        ("reason=no_route", 1),
        ("caller=k1", 2),
        ("caller=00000000", 1),
        ("api_id=token&code=200", 2),
        ("trace=trace-1", 1),
        ("path=/ord", 4),
        ("path=/nothing", 0),
        ("method=post", 0),
        ("from=2027-01-15T07:59&to=2027-01-15T08:00", 4),
        ("to=2027-01-15T07:00", 0),
    ],
)
def test_filters_narrow_the_log(query: str, number: int, used: Used, visitor: Visitor) -> None:
    assert visitor.get(f"/logs?{query}").text.count("data-entry=") == number


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("code=abc", "Write a whole number."),
        ("from=yesterday", "Write a time as 2026-11-28T18:30, UTC."),
        ("from=2027-01-15T08:00&to=2027-01-15T07:00", "It is before the beginning"),
        ("before=x", "before: Write the `next` of the page before."),
        ("range=year", "range: Choose one of 1h, 24h, 7d, 30d."),
    ],
)
def test_what_cannot_be_read_is_said_at_its_field(query: str, said: str, visitor: Visitor) -> None:
    answer = visitor.get(f"/logs?{query}")
    assert (answer.status_code, said in text_of(answer)) == (422, True)


def test_pages_do_not_shift_as_the_log_grows(api: GatewayApi, visitor: Visitor) -> None:
    log(api, *(f"/old/{number:03}" for number in range(120)))
    page = visitor.get("/logs")
    seen = page.text
    while 'rel="next"' in page.text:
        log(api, "/new")
        following = page.text.split('rel="next"')[0].rpartition('href="')[2].rpartition('"')[0]
        page = visitor.get(unescape(following))
        seen += page.text
    assert [seen.count(f"/old/{number:03}<") for number in range(120)] == [1] * 120
    assert "/new" not in seen


def test_an_entry_has_a_page_with_all_that_decided_it(used: Used, api: GatewayApi, visitor: Visitor) -> None:
    api.call(
        "PUT",
        f"/tyk/keys/{CREDENTIAL}",
        {
            "alias": "Warehouse",
            "org_id": "default",
            "expires": -1,
            "apply_policies": ["gold"],
            "access_rights": {"token": {"api_id": "token"}},
        },
    )
    page = visitor.get("/logs/2")
    shown = unescape(text_of(page))
    assert "It was refused 429 rate_limited · the caller's rate is used up" in shown
    assert 'href="/token-checker?api_id=token&amp;method=GET&amp;path=/orders/17"' in page.text
    copied = unescape(page.text.split('data-copy="')[-1].partition('"')[0])
    lines = dict(line.split("  ", 1) for line in copied.splitlines())
    told = {name: value.strip() for name, value in lines.items()}
    assert told["answer"] == "429 rate_limited"
    assert told["api mode"] == "token"
    assert told["key hash"] == used.key_hash
    assert told["policies"] == "gold"
    assert told["trace"] == "trace-1"
    assert told["versions"].startswith("propylon ")
    assert CREDENTIAL not in page.text
    assert "203.0.113.7" not in copied


def message(line: str, body: str, **members: Any) -> dict[str, Any]:
    said = {"line": line, "headers": [["X-Odd", "<b>"], ["Authorization", "Bearer ***"]], "body": body}
    told = {"body_is": "text", "body_bytes": len(body), "body_cut": False, "content_encoding": ""}
    return said | told | members


def test_a_recording_is_shown_with_its_entry_and_never_as_markup(api: GatewayApi, visitor: Visitor) -> None:
    asked = message("POST /a?x=<i> HTTP/1.1", "<script>alert(1)</script>", body_bytes=9_000, body_cut=True)
    said = message("HTTP/1.1 200 OK", "/wA=", body_is="base64", content_encoding="gzip")
    log(api, "/a", recording={"request": asked, "response": said})
    page = visitor.get("/logs/1")
    assert "<script>alert" not in page.text
    assert "<i>" not in page.text
    shown = unescape(text_of(page))
    assert "POST /a?x=<i> HTTP/1.1 X-Odd: <b> Authorization: Bearer ***" in shown
    assert "<script>alert(1)</script>" in shown
    assert "the beginning of 9 000 bytes" in shown
    assert "encoded as gzip ; it is no plain text" in shown
    copied = page.text.split('data-copy="')[-1].partition('"')[0]
    assert "alert" not in copied
    assert "X-Odd" not in copied
    assert "alert" not in visitor.get("/logs?format=json").text + visitor.get("/logs").text


def test_a_recording_that_is_not_kept_says_why_and_an_answer_that_was_not_sent_that_it_was_not(
    api: GatewayApi, visitor: Visitor
) -> None:
    log(api, "/a", recording={"not_kept": "there was too much"})
    log(api, "/b", recording={"request": message("GET /b HTTP/1.1", ""), "response": None})
    log(api, "/c")
    assert "Not kept: there was too much." in text_of(visitor.get("/logs/1"))
    shown = text_of(visitor.get("/logs/2"))
    assert "No body passed." in shown
    assert "No answer was sent" in shown
    assert "Recording" not in text_of(visitor.get("/logs/3"))


def test_the_link_to_explain_fills_the_form_but_for_the_token(used: Used, visitor: Visitor) -> None:
    page = visitor.get("/token-checker?api_id=token&method=POST&path=/orders/17")
    assert '<option value="token" selected>' in page.text
    assert '<option value="POST" selected>' in page.text
    assert 'value="/orders/17"' in page.text


@pytest.mark.parametrize("number", ["0", "99", "x", "-1", "9" * 30])
def test_an_entry_that_is_not_there_is_said_to_be_gone(number: str, used: Used, visitor: Visitor) -> None:
    answer = visitor.get(f"/logs/{number}")
    assert answer.status_code == 404
    assert "the log forgets the oldest" in text_of(answer)


def test_another_organisations_entry_is_not_there(used: Used, visitor: Visitor) -> None:
    assert visitor.get("/logs/5").status_code == 404


# -- followed


def following(visitor: Visitor, path: str = "/logs/tail?after=0", **headers: str) -> Follower:
    return Follower(visitor.app, f"authorisation={visitor.cookie('authorisation')}", path, **headers)


async def entries_told(follower: Follower, number: int) -> list[str]:
    """That many pieces, after the one that says how soon to connect again."""
    return [await follower.next() for _ in range(number)]


async def looked_once(api: GatewayApi) -> None:
    """Until somebody who follows waits for what comes."""
    while not api.clock.sleeping:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0)


def test_who_follows_is_told_of_each_entry_once_and_goes_on_where_it_was(
    used: Used, api: GatewayApi, visitor: Visitor
) -> None:
    one, other = following(visitor), following(visitor, last_event_id="3")

    async def told() -> tuple[list[str], list[str]]:
        assert await one.start() == await other.start() == 200
        found = await entries_told(one, 5), await entries_told(other, 2)
        await one.leave()
        await other.leave()
        return found

    ones, others = api.run(told())
    assert ones[0] == others[0] == "retry: 2000\n\n"
    assert [piece.partition("\n")[0] for piece in ones[1:]] == ["id: 1", "id: 2", "id: 3", "id: 4"]
    assert [piece.partition("\n")[0] for piece in others[1:]] == ["id: 4"]
    assert all(line.startswith(("id: ", "data: ")) for line in ones[2].splitlines() if line)
    assert "rate_limited" in ones[2]


def test_what_comes_later_is_told_under_the_same_filters(used: Used, api: GatewayApi, visitor: Visitor) -> None:
    one = following(visitor, "/logs/tail?path=/wanted")

    async def begun() -> None:
        await one.start()
        await one.next()
        await looked_once(api)

    api.run(begun())
    log(api, "/unwanted", "/wanted/<b>")

    async def later() -> str:
        await api.clock.advance(1)
        piece = await one.next()
        await one.leave()
        return piece

    piece = api.run(later())
    assert "/wanted/&lt;b&gt;" in piece
    assert "/unwanted" not in piece


@pytest.mark.parametrize("how", ["signed out", "the process ends"])
def test_following_ends_with_the_session_and_with_the_process(
    how: str, used: Used, api: GatewayApi, visitor: Visitor
) -> None:
    one = following(visitor, "/logs/tail?after=4")

    async def begin() -> None:
        assert await one.start() == 200
        await one.next()
        await looked_once(api)

    api.run(begin())
    if how == "signed out":
        visitor.submit(visitor.get("/logout"), "/logout")
    else:
        api.desk.standing.is_ending = True

    async def end() -> list[str]:
        await api.clock.advance(1)
        pieces = [await one.next()]
        while pieces[-1]:
            pieces.append(await one.next())
        return pieces

    pieces = api.run(end())
    assert pieces == (["event: ended\ndata: Your session has ended.\n\n", ""] if how == "signed out" else [""])


def test_more_than_can_be_shown_is_said_to_be_left_out(api: GatewayApi, visitor: Visitor) -> None:
    log(api, *(f"/{number}" for number in range(AT_ONCE + 20)))
    one = following(visitor)

    async def told() -> list[str]:
        await one.start()
        pieces = await entries_told(one, AT_ONCE + 2)
        await one.leave()
        return pieces

    pieces = api.run(told())
    assert pieces[-1].startswith(f"event: skipped\nid: {AT_ONCE + 20}\n")


def test_so_many_may_follow_and_a_place_is_free_again_when_one_has_left(
    used: Used, api: GatewayApi, visitor: Visitor
) -> None:
    async def told() -> tuple[list[int], int, int]:
        followers = [following(visitor) for _ in range(FOLLOWERS_PER_USER_MAX)]
        taken = [await one.start() for one in followers]
        refused = await following(visitor).start()
        await followers[0].leave()
        again = following(visitor)
        free = await again.start()
        for one in (*followers[1:], again):
            await one.leave()
        return taken, refused, free

    assert api.run(told()) == ([200] * FOLLOWERS_PER_USER_MAX, 503, 200)


def test_a_live_page_is_whole_and_says_from_where_it_goes_on(used: Used, visitor: Visitor) -> None:
    page = visitor.get("/logs/live?caller=k1")
    assert page.text.count("data-entry=") == 2
    assert 'data-follow="/logs/tail?caller=k1&amp;after=5"' in page.text
    assert visitor.get("/logs/live?code=abc").status_code == 422


def test_who_may_not_read_logs_follows_nothing(used: Used, new_visitor: NewVisitor) -> None:
    reader = new_visitor(fake_user(permissions=Permissions(levels={"analytics": "read"})))
    reader.sign_in()
    assert reader.get("/logs/tail").status_code == 403
