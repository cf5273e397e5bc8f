"""Users, groups, roles, the audit log, the organisation and one's own profile, on users of the records."""

import json
import re
import sqlite3
from contextlib import closing

import httpx
import pytest

from propylon.dashboard import rights
from propylon.model.permissions import AREAS
from propylon.stores.records.audit_reads import AuditFilter
from tests.control.conftest import GatewayApi
from tests.dashboard.real_people import DashboardPeople, SignedInVisitor
from tests.kit.definitions import keyless_api
from tests.kit.visitor import ORIGIN, Visitor, forms, text_of

BERT = "bert@example.com"


def fields_of(page: httpx.Response, action: str) -> dict[str, str]:
    """As the form stands: of its radio buttons and boxes those that are chosen."""
    form = next(part for part in page.text.split("<form ")[1:] if f'action="{action}"' in part.partition(">")[0])
    chosen = re.findall(r'<input type="radio" name="([^"]+)" value="([^"]+)" checked', form.partition("</form>")[0])
    boxes = re.findall(r'<input id="\w+" name="(\w+)" type="checkbox" value="1" checked', form)
    group = re.findall(r'<option value="(\w+)" selected', form.partition("</form>")[0])
    plain = {name: value for name, value in next(one for one in forms(page) if one.action == action).fields.items()}
    plain = {name: value for name, value in plain.items() if not name.startswith("right:") and name not in BOXES}
    return {**plain, **dict(chosen), **dict.fromkeys(boxes, "1"), **({"group_id": group[0]} if group else {})}


BOXES = ("is_admin", "resets")


def send(visitor: Visitor, page: httpx.Response, action: str, **fields: str) -> httpx.Response:
    named = {name.replace("__", ":"): value for name, value in fields.items()}
    return visitor.send("POST", action, {"Origin": ORIGIN}, data={**fields_of(page, action), **named})


def step(visitor: Visitor, path: str) -> httpx.Response:
    """The page that asks, and its button."""
    return visitor.submit(visitor.get(path), path)


@pytest.fixture
def ada(people: DashboardPeople) -> SignedInVisitor:
    """The administrator."""
    return people.signed_in()


def make_user(ada: SignedInVisitor, **fields: str) -> tuple[str, httpx.Response]:
    said = {"email_address": BERT, "first_name": "Bert", "right__keys": "write", **fields}
    answer = send(ada.visitor, ada.visitor.get("/users/new"), "/users/new", **said)
    found = re.search(r'href="/users/([0-9a-f]{24})"', answer.text)
    return found[1] if found else "", answer


def test_a_user_is_made_with_a_temporary_password_that_is_shown_once_and_lets_in(
    people: DashboardPeople, ada: SignedInVisitor
) -> None:
    user_id, answer = make_user(ada)
    assert answer.status_code == 200
    password, access_key = re.findall(r'data-copy="([^"]+)"', answer.text)
    made = people.api.run(people.desk.records.audit.page(AuditFilter(object=f"user:{user_id}"), limit=9))
    assert [row.action for row in made] == ["create"]  # one transaction
    bert = people.visitor()
    assert bert.sign_in(BERT, password).headers["location"] == "/"
    assert bert.get("/keys").headers["location"] == "/password"
    shown = ada.visitor.get(f"/users/{user_id}")
    assert "They have a temporary password" in text_of(shown)
    assert "write keys" in text_of(shown)
    assert password not in shown.text
    assert access_key not in shown.text


def test_loading_what_is_shown_once_again_makes_no_other(people: DashboardPeople, ada: SignedInVisitor) -> None:
    """A page that is the answer to a form is loaded anew by sending the form again."""
    bert = people.signed_in(BERT, keys="read")
    paths = [f"/users/{bert.user.id}/{name}" for name in ("reset-password", "renew-key")]
    for path in (*paths, "/profile/renew-key"):
        asked = ada.visitor.get(path)
        assert send(ada.visitor, asked, path).status_code == 200
        before = people.api.run(people.desk.records.people.user(bert.user.id))
        again = send(ada.visitor, asked, path)
        assert (again.status_code, "sent already" in text_of(again)) == (409, True)
        assert people.api.run(people.desk.records.people.user(bert.user.id)) == before
        assert send(ada.visitor, ada.visitor.get(path), path, once="").status_code == 409
    form = ada.visitor.get("/users/new")
    said = {"email_address": "carl@example.com", "right__keys": "read"}
    assert send(ada.visitor, form, "/users/new", **said).status_code == 200
    assert send(ada.visitor, form, "/users/new", **{**said, "email_address": "dora@example.com"}).status_code == 409
    assert "dora@example.com" not in ada.visitor.get("/users").text


def test_a_role_fills_the_table_of_a_new_user_or_group(ada: SignedInVisitor) -> None:
    for path in ("/users/new", "/groups/new"):
        fields = fields_of(ada.visitor.get(f"{path}?role=operator"), path)
        assert (fields["right:keys"], fields["right:logs"], fields["right:users"]) == ("write", "read", "deny")
        assert "is_admin" not in fields
        assert fields_of(ada.visitor.get(f"{path}?role=administrator"), path)["is_admin"] == "1"


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"email_address": "nobody"}, "email_address"),
        ({"email_address": "ada@example.com"}, "email_address"),
        ({"first_name": "x" * 101}, "first_name"),
        ({"group_id": "f" * 24}, "group_id"),
        ({"right__keys": "deny"}, "user_permissions"),
        ({"right__keys": "own"}, "user_permissions"),
    ],
    ids=str,
)
def test_what_a_user_cannot_be_is_said_at_its_field_and_what_was_typed_stays(
    fields: dict[str, str], place: str, ada: SignedInVisitor
) -> None:
    _, answer = make_user(ada, last_name="Typed", **fields)
    assert answer.status_code == 422
    assert f'<p id="{place}-said" class="error">' in answer.text
    assert 'value="Typed"' in answer.text


def test_a_user_is_found_changed_put_into_a_group_and_removed(ada: SignedInVisitor) -> None:
    visitor = ada.visitor
    user_id, _ = make_user(ada)
    path = f"/users/{user_id}"
    made = send(visitor, visitor.get("/groups/new?role=auditor"), "/groups/new", name="Auditors")
    group_path = made.headers["location"].partition("?")[0]
    group_id = group_path.rpartition("/")[2]
    saved = send(visitor, visitor.get(path), path, last_name="Brecht", group_id=group_id, right__apis="read")
    assert saved.headers["location"] == f"{path}?done=user_saved"
    found = text_of(visitor.get("/users?q=brecht"))
    assert "Bert Brecht" in found
    assert "Auditors" in found
    assert "ada@example.com" not in found.partition("Users, ")[0].partition("May")[2]
    assert "write keys" in found
    assert "write keys · read traffic" in found
    assert "audit log" in found
    assert BERT in visitor.get(group_path).text
    in_use = step(visitor, f"{group_path}/delete")
    assert (in_use.status_code, "give them another group" in text_of(in_use)) == (409, True)
    assert step(visitor, f"{path}/delete").headers["location"] == "/users?done=user_deleted"
    assert visitor.get(path).status_code == 404
    assert step(visitor, f"{group_path}/delete").headers["location"] == "/groups?done=group_deleted"
    assert visitor.get(group_path).status_code == 404


def test_a_form_that_was_saved_as_it_stands_changes_nothing(people: DashboardPeople, ada: SignedInVisitor) -> None:
    user_id, _ = make_user(ada, right__certs="write", resets="1", right__users="read")
    before = people.api.run(people.desk.records.people.user(user_id))
    send(ada.visitor, ada.visitor.get(f"/users/{user_id}"), f"/users/{user_id}")
    assert people.api.run(people.desk.records.people.user(user_id)) == before
    assert json.loads(before.permissions) == {
        "certs": "write",
        "keys": "write",
        "users": "read",
        "ResetPassword": "admin",
    }


@pytest.mark.parametrize("kind", ["user", "group"])
def test_a_lost_race_shows_what_differs_and_keeps_what_was_typed(kind: str, ada: SignedInVisitor) -> None:
    visitor = ada.visitor
    if kind == "user":
        path, name = f"/users/{make_user(ada)[0]}", "first_name"
    else:
        made = send(visitor, visitor.get("/groups/new"), "/groups/new", name="Ops", right__keys="write")
        path, name = made.headers["location"].partition("?")[0], "description"
    stale = visitor.get(path)
    assert send(visitor, stale, path, **{name: "Theirs"}).status_code == 303
    lost = send(visitor, stale, path, **{name: "Mine"}, right__keys="read")
    assert lost.status_code == 412
    assert f"somebody changed the {kind}" in text_of(lost)
    assert "Theirs Mine" in text_of(lost)
    assert "write keys read keys" in text_of(lost)
    assert 'value="Mine"' in lost.text
    assert send(visitor, lost, path).status_code == 303
    assert fields_of(visitor.get(path), path)[name] == "Mine"


def test_a_password_and_a_credential_that_are_made_are_shown_in_that_answer_alone(
    people: DashboardPeople, ada: SignedInVisitor
) -> None:
    bert = people.signed_in(BERT, keys="read")
    path = f"/users/{bert.user.id}"
    reset = step(ada.visitor, f"{path}/reset-password")
    (password,) = re.findall(r'data-copy="([^"]+)"', reset.text)
    assert bert.visitor.get("/keys").headers["location"].startswith("/login"), "their sessions have ended"
    assert people.visitor().sign_in(BERT, password).status_code == 303
    renewed = step(ada.visitor, f"{path}/renew-key")
    (access_key,) = re.findall(r'data-copy="([^"]+)"', renewed.text)
    me = ada.visitor.send("GET", "/api/users/me", {"Authorization": access_key})
    assert me.status_code == 200
    old = ada.visitor.send("GET", "/api/users/me", {"Authorization": bert.access_key})
    assert old.status_code == 401
    for page in (path, "/users", "/audit", "/profile"):
        assert password not in ada.visitor.get(page).text
        assert access_key not in ada.visitor.get(page).text


def test_a_deactivated_user_is_out_at_once_and_comes_back_when_activated(
    people: DashboardPeople, ada: SignedInVisitor
) -> None:
    bert = people.signed_in(BERT, keys="read")
    path = f"/users/{bert.user.id}"
    assert step(ada.visitor, f"{path}/deactivate").headers["location"] == f"{path}?done=user_deactivated"
    assert bert.visitor.get("/keys").headers["location"].startswith("/login")
    page = ada.visitor.get(path)
    assert "deactivated" in text_of(page)
    assert ada.visitor.submit(page, f"{path}/activate").status_code == 303
    assert "active" in text_of(ada.visitor.get(path))


def test_a_session_is_ended_by_an_administrator_or_its_user(people: DashboardPeople, ada: SignedInVisitor) -> None:
    bert = people.signed_in(BERT, keys="read")
    page = ada.visitor.get(f"/users/{bert.user.id}")
    (action,) = [one.action for one in forms(page) if one.action.endswith("/end")]
    assert ada.visitor.submit(page, action).headers["location"].endswith("?done=session_ended")
    assert bert.visitor.get("/keys").headers["location"].startswith("/login")
    assert ada.visitor.submit(page, action).status_code == 404


def test_the_last_administrator_is_kept_and_told_why(ada: SignedInVisitor) -> None:
    path = f"/users/{ada.user.id}"
    fields = {**fields_of(ada.visitor.get(path), path), "right:keys": "read"}
    del fields["is_admin"]
    answer = ada.visitor.send("POST", path, {"Origin": ORIGIN}, data=fields)
    assert (answer.status_code, "without an active administrator" in text_of(answer)) == (422, True)
    assert step(ada.visitor, f"{path}/delete").status_code == 409
    assert ada.visitor.get("/users").status_code == 200


def test_nobody_gives_or_takes_over_more_than_they_have(people: DashboardPeople, ada: SignedInVisitor) -> None:
    bert = people.signed_in(BERT, users="write", keys="read")
    page = bert.visitor.get(f"/users/{ada.user.id}")
    assert "may do more than you" in text_of(page)
    assert f"/users/{ada.user.id}/" not in page.text
    form = bert.visitor.get("/users/new")
    assert 'name="is_admin"' not in form.text
    assert re.search(r'name="right:keys" value="write" disabled', form.text)
    said = {"email_address": "eve@example.com", "is_admin": "1"}
    answer = send(bert.visitor, form, "/users/new", **said)
    assert (answer.status_code, "go beyond your own" in answer.text) == (422, True)
    for name in ("reset-password", "renew-key", "deactivate", "delete"):
        refused = step(bert.visitor, f"/users/{ada.user.id}/{name}")
        assert (refused.status_code, "go beyond your own" in refused.text) == (403, True)


def test_who_may_read_alone_is_shown_no_control_that_writes(people: DashboardPeople, ada: SignedInVisitor) -> None:
    reader = people.signed_in(BERT, users="read", user_groups="read").visitor
    for path in ("/users", f"/users/{ada.user.id}", "/groups", "/roles"):
        page = reader.get(path)
        assert page.status_code == 200
        actions = {one.action for one in forms(page) if one.method == "post"}
        assert actions == {"/theme", "/logout"}, path
        assert "/new" not in page.text


def test_who_may_reset_passwords_alone_does_that_and_nothing_else(people: DashboardPeople) -> None:
    people.signed_in()
    carl = people.signed_in("carl@example.com", keys="read")
    helper = people.signed_in(BERT, users="read", keys="read", ResetPassword="admin")
    page = helper.visitor.get(f"/users/{carl.user.id}")
    assert "/reset-password" in page.text
    assert "/deactivate" not in page.text
    assert step(helper.visitor, f"/users/{carl.user.id}/reset-password").status_code == 200
    other = people.signed_in("dora@example.com", users="read", keys="read").visitor
    assert "/reset-password" not in other.get(f"/users/{carl.user.id}").text
    assert other.get(f"/users/{carl.user.id}/reset-password").status_code == 403
    csrf = forms(other.get("/profile"))[0].fields["csrf"]
    answer = other.send("POST", f"/users/{carl.user.id}/reset-password", {"Origin": ORIGIN}, data={"csrf": csrf})
    assert answer.status_code == 403


def test_everybody_sees_their_own_rights_renews_their_credential_and_ends_their_sessions(
    people: DashboardPeople,
) -> None:
    bert = people.signed_in(BERT, keys="read")
    shown = text_of(bert.visitor.get("/profile"))
    assert "read keys" in shown
    assert "this one" in shown
    renewed = step(bert.visitor, "/profile/renew-key")
    (access_key,) = re.findall(r'data-copy="([^"]+)"', renewed.text)
    assert bert.visitor.send("GET", "/api/users/me", {"Authorization": access_key}).status_code == 200
    again = people.visitor()
    password = people.signed_in("ada@example.com")
    reset = step(password.visitor, f"/users/{bert.user.id}/reset-password")
    assert bert.visitor.get("/profile").headers["location"].startswith("/login")
    assert again.sign_in(BERT, re.findall(r'data-copy="([^"]+)"', reset.text)[0]).status_code == 303


def test_ones_other_sessions_are_ended_together_and_this_one_goes_on(people: DashboardPeople) -> None:
    ada = people.signed_in()
    elsewhere = people.sign_in_again(ada.user)
    page = ada.visitor.get("/profile")
    assert ada.visitor.submit(page, "/profile/end-others").headers["location"] == "/profile?done=sessions_ended"
    assert elsewhere.get("/profile").headers["location"].startswith("/login")
    assert "this one" in text_of(ada.visitor.get("/profile"))


def test_a_change_of_rights_holds_from_the_next_click_on(people: DashboardPeople, ada: SignedInVisitor) -> None:
    bert = people.signed_in(BERT, keys="read")
    assert bert.visitor.get("/audit").status_code == 403
    path = f"/users/{bert.user.id}"
    send(ada.visitor, ada.visitor.get(path), path, right__audit_logs="read", right__keys="deny")
    assert bert.visitor.get("/audit").status_code == 200
    assert bert.visitor.get("/keys").status_code == 403


# -- the audit log ----------------------------------------------------------------------------------------------------


def test_the_audit_log_names_who_did_what_and_is_narrowed(
    api: GatewayApi, people: DashboardPeople, ada: SignedInVisitor
) -> None:
    user_id, _ = make_user(ada)
    assert api.call("POST", "/tyk/apis", keyless_api("http://127.0.0.1:9/", "one")).status_code == 200
    mine = ada.visitor.get("/audit?user=ADA@example.com&action=create")
    assert f'<a href="/users/{user_id}">{BERT}</a>' in mine.text
    assert "api one" not in text_of(mine)
    assert "api one" in text_of(ada.visitor.get("/audit"))
    of_object = text_of(ada.visitor.get(f"/audit?object=user:{user_id}"))
    assert f"create user {BERT}" in of_object
    assert "user ada@example.com" not in of_object
    assert "Nothing of that kind" in text_of(ada.visitor.get("/audit?ip=203.0.113.1"))
    assert "Nothing of that kind" in text_of(ada.visitor.get("/audit?to_date=2027-01-14"))
    assert BERT in ada.visitor.get("/audit?from_date=2027-01-15&to_date=2027-01-15").text
    wrong = ada.visitor.get("/audit?from_date=soon")
    assert wrong.status_code == 422
    assert '<p id="from_date-said" class="error">' in wrong.text


def test_a_long_log_has_pages_that_hold_each_entry_once(people: DashboardPeople, ada: SignedInVisitor) -> None:
    for number in range(30):
        people.signed_in(f"user-{number:02}@example.com", keys="read")
    seen = [
        int(one) for p in (1, 2) for one in re.findall(r'href="/audit/(\d+)"', ada.visitor.get(f"/audit?p={p}").text)
    ]
    assert seen == list(range(max(seen), 0, -1))[: len(seen)]
    assert ada.visitor.get("/audit?p=0").status_code == 400


def test_an_entry_shows_the_names_of_what_changed_and_digests_of_what_it_was(ada: SignedInVisitor) -> None:
    user_id, _ = make_user(ada)
    path = f"/users/{user_id}"
    send(ada.visitor, ada.visitor.get(path), path, last_name="Brecht", right__apis="read")
    number = re.findall(r'href="/audit/(\d+)"', ada.visitor.get(f"/audit?object=user:{user_id}&action=change").text)[0]
    shown = text_of(ada.visitor.get(f"/audit/{number}"))
    assert "last_name permissions" in shown
    assert "Brecht" not in shown
    assert "verified" in shown
    assert ada.visitor.get("/audit/999").status_code == 404


def test_the_log_is_exported_as_it_is_narrowed_and_the_export_is_an_entry(ada: SignedInVisitor) -> None:
    make_user(ada)
    page = ada.visitor.get("/audit?user=ada@example.com")
    path = re.findall(r'href="(/audit/export\?type=csv[^"]*)"', page.text)[0].replace("&amp;", "&")
    table = ada.visitor.get(path)
    assert table.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    assert table.text.count("ada@example.com") == len(table.text.splitlines()) - 1 > 0
    lines = ada.visitor.get("/audit/export?type=json").text.splitlines()
    assert json.loads(lines[-1])["action"] == "export"


def test_the_page_says_up_to_where_the_log_is_what_was_written(people: DashboardPeople, ada: SignedInVisitor) -> None:
    make_user(ada)
    people.signed_in("otto@example.com", keys="read")  # a third entry
    newest = people.api.run(people.desk.records.audit.end()).number
    shown = text_of(ada.visitor.get("/audit"))
    assert f"verified up to #{newest}" in shown
    with closing(sqlite3.connect(people.desk.settings.records_path)) as connection, connection:
        connection.execute("UPDATE audit SET actor = 'x' WHERE number = 2")
    assert "verified up to" in text_of(ada.visitor.get("/audit"))
    ada.visitor.submit(ada.visitor.get("/audit/chain"), "/audit/chain")
    shown = text_of(ada.visitor.get("/audit"))
    assert "The log is not what was written. Entry 2" in shown
    assert "not verified" in text_of(ada.visitor.get("/audit/3"))


# -- roles, organisation, nodes ---------------------------------------------------------------------------------------


def test_every_area_has_words_or_opens_nothing(ada: SignedInVisitor) -> None:
    assert {*rights.OPENS, *rights.UNUSED} == set(AREAS)
    shown = text_of(ada.visitor.get("/roles"))
    assert all(role.title in shown for role in rights.ROLES)
    assert all(one.title in shown for one in rights.OPENS.values())


def test_the_organisation_shows_what_it_has_and_no_other(api: GatewayApi, people: DashboardPeople) -> None:
    for name, org_id in (("one", "default"), ("two", "other")):
        assert api.call("POST", "/tyk/apis", keyless_api("http://127.0.0.1:9/", name, org_id=org_id)).status_code == 200
    people.signed_in("otto@example.com", org_id="other")
    shown = text_of(people.signed_in().visitor.get("/organisation"))
    assert "APIs 1" in shown
    assert "Users 1" in shown
    assert "other" not in shown.partition("Your organisation")[2].partition("ID")[2]


def test_the_nodes_tell_how_keys_are_hashed_and_what_waits(api: GatewayApi, ada: SignedInVisitor) -> None:
    shown = text_of(ada.visitor.get("/nodes"))
    assert "HMAC-SHA-256" in shown
    assert "alone none" in shown
    assert api.call("POST", "/tyk/apis", keyless_api("http://127.0.0.1:9/", "one")).status_code == 200
    session = {
        "org_id": "default",
        "access_rights": {"one": {"api_id": "one"}},
        "legacy_hash": "f80eb96c",
        "expires": -1,
    }
    imported = api.call("POST", "/tyk/keys/import", session)
    assert imported.status_code == 200, imported.text
    shown = text_of(ada.visitor.get("/nodes"))
    assert "murmur32" in shown
    assert "1 wait" in shown
