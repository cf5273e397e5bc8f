"""The audit log as it is shown: by organisation, by page, exported."""

import csv
import json

import pytest

from propylon.control.audit import PAGE, export, read_entry, read_page
from propylon.control.envelope import Refused
from propylon.control.people.caller import Caller
from propylon.control.people.login import log_in
from propylon.stores.records.audit import Entry
from propylon.stores.records.audit_reads import AuditFilter
from tests.control.conftest import GatewayApi
from tests.kit.definitions import keyless_api
from tests.kit.people import ADMINISTRATION, PASSWORD, a_user, caller

ALL = AuditFilter()


@pytest.fixture
def anna(api: GatewayApi) -> Caller:
    return api.run(caller(api.desk, api.run(a_user(api.desk, audit_logs="read"))))


def exported(api: GatewayApi, who: Caller, form: str) -> str:
    async def whole() -> bytes:
        return b"".join([piece async for piece in await export(api.desk, who, ALL, form)])  # type: ignore[arg-type]

    return api.run(whole()).decode()


def test_who_belongs_to_an_organisation_sees_what_was_done_to_what_is_theirs(api: GatewayApi, anna: Caller) -> None:
    api.call("POST", "/tyk/apis", keyless_api("http://u/", "theirs", org_id="other"))
    api.call("POST", "/tyk/apis", keyless_api("http://u/", "ours", org_id="acme"))
    rows, pages = api.run(read_page(api.desk, anna, AuditFilter(org_id="other")))
    assert ([row.object for row in rows][:1], pages) == (["api:ours"], 1)
    assert {row.org_id for row in rows} == {"acme"}
    everything, _ = api.run(read_page(api.desk, ADMINISTRATION, ALL))
    assert "api:theirs" in [row.object for row in everything]
    theirs = next(row for row in everything if row.object == "api:theirs")
    assert api.run(read_entry(api.desk, ADMINISTRATION, theirs.number)) == theirs
    for number in (theirs.number, 999):
        with pytest.raises(Refused, match="Could not retrieve audit log"):
            api.run(read_entry(api.desk, anna, number))


def test_without_the_right_nothing_is_shown(api: GatewayApi) -> None:
    nobody = api.run(caller(api.desk, api.run(a_user(api.desk, keys="write"))))
    for work in (
        read_page(api.desk, nobody, ALL),
        read_entry(api.desk, nobody, 1),
        export(api.desk, nobody, ALL, "csv"),
    ):
        with pytest.raises(Refused, match="access denied"):
            api.run(work)


def test_pages_are_of_ten_and_say_how_many_there_are(api: GatewayApi, anna: Caller) -> None:
    api.run(api.desk.records.note(anna.by, *[Entry("export", "x", "acme") for _ in range(PAGE)]))
    first, pages = api.run(read_page(api.desk, anna, ALL))
    second, _ = api.run(read_page(api.desk, anna, ALL, page=2))
    assert (len(first), len(second), pages) == (10, 1, 2)
    with pytest.raises(Refused, match="narrow the dates"):
        api.run(read_page(api.desk, anna, ALL, page=10_000))


def test_an_export_is_all_of_it_in_either_form_and_is_audited(api: GatewayApi, anna: Caller) -> None:
    api.run(api.desk.records.note(anna.by._replace(label="=1+1"), Entry("export", "x", "acme")))
    lines = [json.loads(line) for line in exported(api, anna, "json").splitlines()]
    assert [one["action"] for one in lines] == ["create", "export", "export"]
    assert lines[0]["time"] == "2027-01-15T08:00:00.250000Z"
    table = list(csv.DictReader(exported(api, anna, "csv").splitlines()))
    assert [row["number"] for row in table] == ["1", "2", "3", "4"]
    assert table[1]["actor_label"] == "'=1+1"  # no spreadsheet takes it for a formula


def test_wrong_secrets_of_the_gateway_api_are_in_the_log(api: GatewayApi) -> None:
    for _ in range(3):
        api.call("GET", "/tyk/apis", X_Tyk_Authorization="a-wrong-secret")
    api.run(api.desk.signing_in.refused.flush())
    rows, _ = api.run(read_page(api.desk, ADMINISTRATION, ALL))
    assert [(row.action, row.object, row.times) for row in rows] == [
        ("wrong_secret", "/tyk", 2),
        ("wrong_secret", "/tyk", 1),
    ]
    assert "a-wrong-secret" not in str(rows)


def test_no_sign_in_can_be_done_without_its_entry(api: GatewayApi) -> None:
    api.run(a_user(api.desk))
    api.run(log_in(api.desk, "anna@example.org", PASSWORD, address="192.0.2.7", user_agent=""))
    rows, _ = api.run(read_page(api.desk, ADMINISTRATION, AuditFilter(action="sign_in", address="192.0.2.7")))
    assert len(rows) == 1
