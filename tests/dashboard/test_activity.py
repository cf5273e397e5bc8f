"""The pages of activity: what they add up to, under which names, and how they are narrowed and exported."""

import csv
import io
import re
from html import unescape
from urllib.parse import urlencode

import httpx
import pytest

from propylon.control.usage_api import activity
from propylon.control.usage_api.callers import FOUND_MAX
from propylon.dashboard.activity.burn_down import course
from propylon.dashboard.routes import PAGES
from propylon.model.charge import Claim, Kind
from propylon.model.permissions import Permissions
from propylon.steps.meter_names import key_meters, quota_meter
from propylon.stores.records.identities import Seen
from propylon.usage.figures import GROUPS_MAX
from tests.control.conftest import GatewayApi
from tests.dashboard.conftest import NewVisitor
from tests.dashboard.traffic import CREDENTIAL, Used, use, use_once
from tests.kit.fake_people import fake_user
from tests.kit.visitor import Visitor, text_of

LISTS = ("apis", "callers", "endpoints", "errors", "versions", "tags")
DAYS = {f"{end}_{part}": one for end in ("from", "to") for part, one in (("day", "15"), ("month", "1"))}
DAYS |= {"from_day": "14", "from_year": "2027", "to_year": "2027"}


@pytest.fixture
def used(api: GatewayApi) -> Used:
    return use(api)


def rows_of(page: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(page.text)))


def test_the_overview_adds_up_to_what_was_used(used: Used, visitor: Visitor) -> None:
    shown = text_of(visitor.get("/activity"))
    assert f"Requests {used.hits:,} in this range".replace(",", " ") in shown
    assert f"Errors {used.errors}" in shown
    assert "rate_limited" in shown
    assert "the caller's rate is used up" in unescape(shown)
    assert "Warehouse" in shown
    assert "/orders/{id}" in shown


@pytest.mark.parametrize("name", LISTS)
def test_screen_export_and_rest_api_say_the_same_to_the_unit(
    name: str, used: Used, api: GatewayApi, visitor: Visitor
) -> None:
    functions = {
        "apis": activity.by_api,
        "callers": activity.by_caller,
        "endpoints": activity.by_endpoint,
        "errors": activity.errors,
        "versions": activity.by_version,
        "tags": activity.by_tags,
    }
    told = api.run(functions[name](api.desk, "default", DAYS, {"p": "-1"}))
    exported = rows_of(visitor.get(f"/activity/{name}?format=csv"))
    assert [int(row["hits"]) for row in exported] == [row["hits"] for row in told["data"]]
    assert sum(int(row["hits"]) for row in exported) == (used.errors if name == "errors" else used.hits)
    shown = text_of(visitor.get(f"/activity/{name}"))
    for row in told["data"]:
        figures = (row["hits"], row["success"], row["error"])
        assert " ".join(f"{one:,}".replace(",", " ") for one in figures) in shown
    as_json = visitor.get(f"/activity/{name}?format=json").json()
    for row, one in zip(told["data"], as_json, strict=True):
        assert one == {member: row["id"].get(member, row.get(member, "")) for member in one}
        assert {"hits", "success", "error", "last_hit"} < one.keys()


def test_the_series_adds_up_to_the_total_and_has_a_zero_for_every_empty_stretch(used: Used, visitor: Visitor) -> None:
    rows = rows_of(visitor.get("/activity?format=csv"))
    assert len(rows) == 24 + 8 + 1, "yesterday, and today up to the running hour"
    assert sum(int(row["hits"]) for row in rows) == used.hits
    assert [row["hits"] for row in rows].count("0") == len(rows) - 1
    for res, stretches in (("minute", 8 * 60 + 1), ("day", 1), ("month", 1)):
        rows = rows_of(visitor.get(f"/activity?range=today&res={res}&format=csv"))
        assert (len(rows), sum(int(row["hits"]) for row in rows)) == (stretches, used.hits)
        for path in ("/activity", "/activity/callers/k1"):  # percentiles are told by hour at finest of a day
            assert visitor.get(f"{path}?range=today&res={res}").status_code == 200


@pytest.mark.parametrize("path", ["", *(f"/{name}" for name in LISTS)])
def test_without_traffic_a_page_says_so_and_a_chart_is_of_zeros(path: str, visitor: Visitor) -> None:
    page = visitor.get(f"/activity{path}")
    assert page.status_code == 200
    assert "in this range" in text_of(page)
    if not path:
        assert page.text.count('<td class="number">0</td>') >= 24 * 5


def test_a_caller_stands_under_their_alias_and_leads_to_their_key(used: Used, visitor: Visitor) -> None:
    page = visitor.get("/activity/callers")
    assert '<a href="/activity/callers/k1">Warehouse</a>' in page.text
    assert f'href="/keys/{used.key_hash}"' in page.text
    assert f'<code title="{used.key_hash}">{used.key_hash[:12]}…</code>' in page.text
    assert f'<a href="/keys/{used.bare_hash}"' in page.text
    assert "key page – add an alias there" in text_of(page)
    opened = visitor.get("/activity/callers/k1")
    assert f'<a class="button" href="/keys/{used.key_hash}">Open the key</a>' in opened.text
    assert visitor.get(f"/keys/{used.key_hash}").status_code == 200


def test_a_deleted_key_says_so_and_opens_a_page_as_does_whoever_had_no_key(
    used: Used, api: GatewayApi, visitor: Visitor
) -> None:
    assert api.call("DELETE", f"/tyk/keys/{CREDENTIAL}").status_code == 200
    shown = text_of(visitor.get("/activity/callers"))
    assert "history is kept under k1" in shown
    assert "no key an open API, or refused before anybody was known" in shown
    for record, hits in (("k1", 1_030), ("k99", 5), ("00000000", 7)):
        page = visitor.get(f"/activity/callers/{record}")
        assert page.status_code == 200
        assert f"Requests {hits:,}".replace(",", " ") in text_of(page)
        assert ("history is kept" in text_of(page)) is (record != "00000000")


@pytest.mark.parametrize("known_by", ["key ID", "hash", "alias", "record"])
def test_a_caller_is_found_by_anything_and_no_address_has_the_key(known_by: str, used: Used, visitor: Visitor) -> None:
    q = {"key ID": CREDENTIAL, "hash": used.key_hash, "alias": "Warehouse", "record": "k1"}[known_by]
    answer = visitor.submit(visitor.get("/activity/callers"), "/activity/find", q=q)
    assert (answer.status_code, answer.headers["location"]) == (303, "/activity/callers/k1")
    answer = visitor.submit(visitor.get("/logs"), "/logs/find", q=q)
    assert (answer.status_code, answer.headers["location"]) == (303, "/logs?caller=k1")


@pytest.mark.parametrize("path", ["/activity", "/logs"])
def test_who_is_not_known_is_said_and_what_was_typed_is_not_shown(path: str, used: Used, visitor: Visitor) -> None:
    page = visitor.get(path if path == "/logs" else "/activity/callers")
    missing = visitor.submit(page, f"{path}/find", q="canary-nobody")
    assert (missing.status_code, "canary" in missing.text) == (404, False)
    assert "Nobody is known by that" in text_of(missing)
    assert visitor.submit(page, f"{path}/find", q=" ").status_code == 422


def test_several_of_one_name_are_listed(used: Used, api: GatewayApi, visitor: Visitor) -> None:
    api.call(
        "PUT",
        "/tyk/keys/another-credential",
        {"alias": "Warehouse 2", "org_id": "default", "expires": -1, "access_rights": {"token": {"api_id": "token"}}},
    )
    found = visitor.submit(visitor.get("/activity/callers"), "/activity/find", q="Ware")
    assert found.status_code == 200
    assert all(f'href="/activity/callers/{record}"' in found.text for record in ("k1", "k2"))


@pytest.mark.parametrize(("path", "form"), [("/activity", "/activity/callers"), ("/logs", "/logs")])
def test_words_that_mean_too_many_callers_are_refused_at_the_search(
    path: str, form: str, api: GatewayApi, visitor: Visitor
) -> None:
    many = range(FOUND_MAX + 1)
    seen = [Seen(f"{one:032x}{0:032x}", "default", "https://idp.example", f"user-{one}", [], 60.0) for one in many]
    api.run(api.desk.records.save_sightings(seen))
    answer = visitor.submit(visitor.get(form), f"{path}/find", q="user-")
    assert answer.status_code == 422
    assert f"More than {FOUND_MAX} callers are known by that; write more of the name" in text_of(answer)


def test_a_file_that_would_not_be_whole_is_refused(api: GatewayApi, visitor: Visitor) -> None:
    callers = [f"k{one}" for one in range(GROUPS_MAX + 1)]
    for first in range(0, len(callers), 1000):
        use_once(api, callers[first : first + 1000])
    answer = visitor.get("/activity/callers?format=csv")
    assert answer.status_code == 422
    assert f"A file has {GROUPS_MAX} rows at most, and these are {GROUPS_MAX + 1}" in text_of(answer)


@pytest.mark.parametrize("path", ["/activity", "/activity/callers", "/logs"])
def test_a_key_in_an_address_is_refused_in_words(path: str, visitor: Visitor) -> None:
    answer = visitor.get(f"{path}?caller={CREDENTIAL}")
    assert answer.status_code == 422
    assert "a key does not belong in an address" in text_of(answer)
    assert visitor.get(f"/activity/callers/{CREDENTIAL}").status_code == 404


@pytest.mark.parametrize(
    ("filters", "hits"),
    [
        ({"api_id": "jwt"}, 200),
        ({"api_version": "v2"}, 200),
        ({"tags": "gold"}, 1_000),
        ({"tags": "internal"}, 0),
        ({"caller": "k1"}, 1_030),
        ({"caller": "00000000"}, 7),
        ({"errors": "1"}, 37),
        ({"reason": "rate_limited"}, 30),
        ({"code": "404"}, 7),
        ({"endpoint": "/orders/{id}"}, 1_000),
        ({"caller": "k1", "code": "200"}, 1_000),
        ({"caller": "k1", "api_id": "jwt"}, 0),
    ],
    ids=str,
)
def test_filters_combine_and_each_can_be_taken_away(
    filters: dict[str, str], hits: int, used: Used, visitor: Visitor
) -> None:
    for path in ("/activity", "/activity/apis"):
        rows = rows_of(visitor.get(f"{path}?{urlencode({**filters, 'format': 'csv'})}"))
        assert sum(int(row["hits"]) for row in rows) == hits
    page = visitor.get(f"/activity?{urlencode(filters)}")
    assert page.text.count("Remove the filter") == len(filters)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("range=year", "range: Choose one of today, 2d"),
        ("from=x", "Write a day as 2026-11-28."),
        ("from=2027-01-10&to=2027-01-09", "It is before the first day"),
        ("range=7d&res=minute", "By minute a range has 1 day at most."),
        ("code=abc", "code: Write a whole number."),
        ("tags=a,b", "Write one tag."),
        ("format=xml", "format: Choose one of csv, json."),
        ("from=0001-01-01", "Choose a day from 1970 on."),
        ("from=1990-01-01", "A range has 3700 days at most"),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_said_at_its_field_and_what_was_typed_is_kept(
    query: str, said: str, visitor: Visitor
) -> None:
    for path in ("/activity", "/activity/apis", "/activity/callers/k1"):
        answer = visitor.get(f"{path}?{query}")
        assert answer.status_code == 422
        assert said in text_of(answer)
    if query.startswith("tags"):
        assert 'value="a,b"' in answer.text


@pytest.mark.parametrize("query", ["by=colour", "p=0", "p=x", "sort=9"])
def test_an_order_or_page_that_is_none_is_refused_in_words(query: str, visitor: Visitor) -> None:
    answer = visitor.get(f"/activity/callers?{query}")
    assert answer.status_code == 422
    assert query.partition("=")[0] + ":" in text_of(answer)


def test_a_long_list_has_pages_that_hold_each_row_once_and_an_export_holds_all(
    api: GatewayApi, visitor: Visitor
) -> None:
    use_once(api, [f"k{1_000 + number}" for number in range(60)])
    first, second, third = (visitor.get(f"/activity/callers?p={number}") for number in (1, 2, 3))
    seen = [
        sum(f'href="/activity/callers/k{1_000 + one}"' in page.text for page in (first, second, third))
        for one in range(60)
    ]
    assert seen == [1] * 60
    assert 'rel="next"' in first.text
    assert 'rel="next"' not in third.text
    assert len(rows_of(visitor.get("/activity/callers?p=2&format=csv"))) == 60


def test_a_quota_that_nobody_has_used_yet_is_shown_so(used: Used, visitor: Visitor) -> None:
    shown = text_of(visitor.get("/activity/callers/k1"))
    assert "Used 0 of 2 000" in shown
    assert "a period begins with the first request" in shown


def test_a_quota_is_drawn_from_its_beginning_to_where_it_ends_at_this_pace(
    used: Used, api: GatewayApi, visitor: Visitor
) -> None:
    row = api.run(api.desk.records.key_of_record(1))
    meter = quota_meter(key_meters(row.record_id, row.generation), "")
    for _ in range(1_000):
        api.run(api.meters.admit((Claim(meter, Kind.QUOTA, 2_000, 86_400 * 10**9, "quota_exceeded"),)))
    api.clock.jump(6 * 3_600)
    page = visitor.get("/activity/callers/k1")
    shown = text_of(page)
    assert "Used 1 000 of 2 000 Left 1 000 Pace 166.7 an hour Renews in 17 hours" in shown
    assert "before it renews in 5 hours" in shown
    numbers = page.text.split("Requests left of the quota")[-1].split("</table>")[0]
    points = [tuple(map(int, one)) for one in re.findall(r'"number">(\d+)</td><td class="number">(\d+)<', numbers)]
    assert points[0] == (2_000, 0), "all of it, as the period began in this minute"
    assert points[5:8] == [(1_000, 0), (1_000, 0), (0, 833)], "what is left now, then the forecast"
    assert points[-1] == (0, 0)


def test_the_beginning_of_a_period_has_all_of_the_quota_whenever_in_its_hour_it_began() -> None:
    told = {"quota_max": 300, "remaining": 180, "used_per_hour": 60.0}
    points = course(told, [(3_600, 100), (7_200, 20)], range(5_000, 5_000 + 4 * 3_600, 3_600), now=9_000.0)
    assert [(one.left, one.forecast) for one in points] == [(300, 0), (180, 0), (0, 127), (0, 67)]


def test_another_organisation_sees_nothing_of_it(used: Used, new_visitor: NewVisitor, api: GatewayApi) -> None:
    stranger = new_visitor(fake_user(org_id="other"))
    stranger.sign_in()
    for path in ("/activity", "/activity/callers", "/activity/callers/k1", "/logs"):
        page = stranger.get(path)
        assert page.status_code == 200
        assert not any(word in page.text for word in ("Warehouse", "Payments", used.key_hash))
    assert text_of(stranger.get("/activity/callers/k1")).replace("k1", "k98") == text_of(
        stranger.get("/activity/callers/k98")
    )
    assert stranger.submit(stranger.get("/activity/callers"), "/activity/find", q="Warehouse").status_code == 404
    for path in (f"/activity/callers/{used.key_hash}", "/activity/callers/" + "0" * 64, "/logs/1"):
        assert stranger.get(path).status_code == 404


def test_each_page_takes_its_right_and_links_only_to_what_may_be_read(used: Used, new_visitor: NewVisitor) -> None:
    reader = new_visitor(fake_user(permissions=Permissions(levels={"analytics": "read"})))
    reader.sign_in()
    page = reader.get("/activity/callers")
    assert "Warehouse" in page.text
    assert f'href="/keys/{used.key_hash}"' not in page.text
    assert 'href="/logs' not in reader.get("/activity").text
    assert reader.get("/logs").status_code == 403
    rights = {page.area for page in PAGES if page.path.startswith("/activity")}
    assert rights == {"analytics"}
    assert {page.area for page in PAGES if page.path.startswith("/logs")} == {"logs"}
