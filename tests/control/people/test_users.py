"""Users, groups and organisations: who may change whom, and what nobody may take away."""

from collections.abc import Callable
from typing import Any

import pytest

from propylon.control.desk import Desk
from propylon.control.envelope import Refused
from propylon.control.people import credentials, groups, organisations, users
from propylon.control.people.caller import Caller
from propylon.control.people.login import log_in
from propylon.control.people.passwords import WAITING_MAX
from propylon.control.people.signed_in import by_access_key
from propylon.stores.records.audit_reads import AuditFilter
from propylon.stores.records.people import SAME_EMAIL_MAX, OrganisationRow
from tests.control.conftest import GatewayApi
from tests.kit.definitions import keyless_api
from tests.kit.people import ADMINISTRATION, PASSWORD, Person, a_user, caller

ADMIN = {"IsAdmin": "admin"}


def refusal(api: GatewayApi, work: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        api.run(work)
    return caught.value


def made(
    api: GatewayApi, email: str = "anna@example.org", org_id: str = "acme", **levels: str
) -> tuple[Person, Caller]:
    person = api.run(a_user(api.desk, email, org_id, **levels))
    return person, api.run(caller(api.desk, person))


def values(email: str = "new@example.org", **rest: Any) -> dict[str, Any]:
    return {"email_address": email, "user_permissions": {"keys": "read"}, **rest}


Work = Callable[[Desk, Caller, str], Any]
ON_A_USER: list[tuple[str, Work]] = [
    ("read", users.read_user),
    ("change", lambda desk, who, id_: users.change_user(desk, who, id_, {"first_name": "X"})),
    ("delete", users.delete_user),
    ("reset", credentials.reset_password),
    ("renew", credentials.renew_access_key),
    ("revoke", credentials.revoke),
]


@pytest.mark.parametrize("work", [work for _, work in ON_A_USER], ids=[name for name, _ in ON_A_USER])
def test_a_user_of_another_organisation_is_as_unknown_as_none(api: GatewayApi, work: Work) -> None:
    _, anna = made(api)
    other, _ = made(api, "bert@example.org", "other")
    for user_id in (other.user.id, "0" * 24):
        found = refusal(api, work(api.desk, anna, user_id))
        assert (found.status, found.message) == (404, users.UNKNOWN)


@pytest.mark.parametrize("work", [work for _, work in ON_A_USER[1:]], ids=[name for name, _ in ON_A_USER[1:]])
def test_nobody_takes_over_who_may_do_more_than_they(api: GatewayApi, work: Work) -> None:
    boss, _ = made(api)
    _, clerk = made(api, "clerk@example.org", users="write", keys="read")
    found = refusal(api, work(api.desk, clerk, boss.user.id))
    assert (found.status, found.members["code"]) == (403, "permission_beyond_own")


@pytest.mark.parametrize("work", [work for _, work in ON_A_USER], ids=[name for name, _ in ON_A_USER])
def test_without_the_right_nothing_is_read_or_changed(api: GatewayApi, work: Work) -> None:
    _, reader = made(api, "reader@example.org", keys="write")
    other, _ = made(api, "other@example.org", keys="read")
    assert refusal(api, work(api.desk, reader, other.user.id)).status == 403


@pytest.mark.parametrize("permissions", [ADMIN, {"apis": "read"}, {"keys": "write"}])
def test_nobody_gives_what_they_do_not_have(api: GatewayApi, permissions: dict[str, str]) -> None:
    clerk_person, clerk = made(api, "clerk@example.org", users="write", user_groups="write", keys="read")
    other, _ = made(api, "other@example.org", keys="read")
    works = [
        users.create_user(api.desk, clerk, values(user_permissions=permissions)),
        users.change_user(api.desk, clerk, other.user.id, {"user_permissions": permissions}),
        users.change_user(api.desk, clerk, clerk_person.user.id, {"user_permissions": permissions}),
        groups.create_group(api.desk, clerk, {"name": "g", "user_permissions": permissions}),
    ]
    group = api.run(groups.create_group(api.desk, ADMINISTRATION, {"name": "h", "org_id": "acme"}))
    works.append(groups.change_group(api.desk, clerk, group.id, {"user_permissions": permissions}))
    strong = {"name": "s", "org_id": "acme", "user_permissions": permissions}
    strong_group = api.run(groups.create_group(api.desk, ADMINISTRATION, strong))
    works.append(users.change_user(api.desk, clerk, other.user.id, {"group_id": strong_group.id}))
    for work in works:
        assert refusal(api, work).members["code"] == "permission_beyond_own"


def test_the_last_administrator_is_neither_removed_nor_demoted(api: GatewayApi) -> None:
    person, anna = made(api)
    user_id = person.user.id
    for work in (
        users.delete_user(api.desk, anna, user_id),
        users.change_user(api.desk, anna, user_id, {"active": False}),
        users.change_user(api.desk, anna, user_id, {"user_permissions": {"keys": "read"}}),
        credentials.revoke(api.desk, ADMINISTRATION, user_id),
    ):
        assert refusal(api, work).members["code"] == "last_administrator"
    made(api, "else@example.org", "other")
    assert refusal(api, users.delete_user(api.desk, anna, user_id)).status == 409
    made(api, "bert@example.org")
    api.run(users.delete_user(api.desk, anna, user_id))


def test_an_administrator_by_a_group_alone_counts_and_the_group_keeps_it(api: GatewayApi) -> None:
    group = api.run(
        groups.create_group(api.desk, ADMINISTRATION, {"name": "a", "org_id": "acme", "user_permissions": ADMIN})
    )
    person, anna = made(api, keys="read")
    api.run(users.change_user(api.desk, ADMINISTRATION, person.user.id, {"group_id": group.id}))
    found = refusal(
        api, groups.change_group(api.desk, ADMINISTRATION, group.id, {"user_permissions": {"keys": "read"}})
    )
    assert found.members["code"] == "last_administrator"
    assert refusal(api, groups.delete_group(api.desk, ADMINISTRATION, group.id)).members["code"] == "group_in_use"
    assert api.run(caller(api.desk, person)).permissions.is_admin
    assert not anna.permissions.is_admin


@pytest.mark.parametrize(
    ("said", "status", "text"),
    [
        ({"email_address": "no address"}, 400, "email_address"),
        ({"email_address": "ANNA@example.org"}, 403, "User email already exists for this org."),
        ({"user_permissions": {}}, 403, "To create a user specify at least one permission"),
        ({"user_permissions": {"kyes": "read"}}, 400, "user_permissions.kyes"),
        ({"password": "short"}, 400, "password must have at least 12"),
        ({"group_id": "f" * 24}, 400, "Group ID does not exist"),
        ({"active": "yes"}, 400, "active must be true or false"),
        ({"first_name": 7}, 400, "first_name"),
        ({"nick": "x"}, 400, "nick is no field"),
    ],
)
def test_a_user_that_will_not_do_is_refused_with_what_to_do(
    api: GatewayApi, said: dict[str, Any], status: int, text: str
) -> None:
    _, anna = made(api)
    found = refusal(api, users.create_user(api.desk, anna, values(**said)))
    assert found.status == status
    assert text in found.message


def test_nobody_is_made_in_or_moved_to_another_organisation(api: GatewayApi) -> None:
    person, anna = made(api)
    for work in (
        users.create_user(api.desk, anna, values(org_id="other")),
        groups.create_group(api.desk, anna, {"name": "g", "org_id": "other"}),
    ):
        assert refusal(api, work).members["code"] == "organisation_not_yours"
    moved = users.change_user(api.desk, ADMINISTRATION, person.user.id, {"org_id": "other"})
    assert refusal(api, moved).members["problems"][0]["path"] == "org_id"
    assert refusal(api, users.create_user(api.desk, ADMINISTRATION, values(org_id="a/b"))).status == 400


def test_one_address_may_be_a_user_of_two_organisations(api: GatewayApi) -> None:
    made(api)
    made(api, org_id="other")
    found, pages = api.run(users.list_users(api.desk, ADMINISTRATION, text="ANNA@"))
    assert ([row.org_id for row in found], pages) == (["acme", "other"], 1)


def test_an_address_has_no_more_users_than_a_sign_in_tries(api: GatewayApi) -> None:
    for number in range(SAME_EMAIL_MAX):
        made(api, org_id=f"org-{number}")
    one_more = values("anna@example.org", org_id="another")
    refused = refusal(api, users.create_user(api.desk, ADMINISTRATION, one_more))
    assert (refused.status, refused.members["code"]) == (409, "email_exhausted")
    bert, _ = made(api, "bert@example.org", "another")
    moved = users.change_user(api.desk, ADMINISTRATION, bert.user.id, {"email_address": "anna@example.org"})
    assert refusal(api, moved).members["code"] == "email_exhausted"
    last = api.run(users.list_users(api.desk, ADMINISTRATION, text="anna@"))[0][-1]
    kept = {"email_address": "anna@example.org", "first_name": "Anna"}
    assert api.run(users.change_user(api.desk, ADMINISTRATION, last.id, kept)).first_name == "Anna"


def test_organisations_beyond_a_page_are_on_the_next(api: GatewayApi) -> None:
    async def make(number: int) -> None:
        async with api.desk.records.change(ADMINISTRATION.by) as edit:
            for one in range(number):
                await edit.people.put_organisation(OrganisationRow(f"org-{one:04}", "Somebody"))

    api.run(make(organisations.LISTED_MAX + 1))
    (first, pages), (second, _) = (
        api.run(organisations.list_organisations(api.desk, ADMINISTRATION, page=page)) for page in (1, 2)
    )
    assert (len(first), pages) == (organisations.LISTED_MAX, 2)
    assert [row.id for row in second] == [f"org-{organisations.LISTED_MAX:04}"]


def test_users_are_listed_by_pages_and_only_those_of_the_organisation(api: GatewayApi) -> None:
    _, anna = made(api)
    made(api, "zoe@example.org", "other")
    for number in range(12):
        api.run(users.create_user(api.desk, anna, values(f"user{number:02}@example.org")))
    first, pages = api.run(users.list_users(api.desk, anna))
    second, _ = api.run(users.list_users(api.desk, anna, page=2))
    assert (len(first), len(second), pages) == (10, 3, 2)
    everyone, _ = api.run(users.list_users(api.desk, anna, page=-1))
    assert len(everyone) == 13


def test_a_user_and_all_that_lets_them_in_are_made_in_one_transaction(api: GatewayApi) -> None:
    """Each transaction leaves an entry; a kill between two of them would leave a user whom nobody can let in."""
    _, anna = made(api)
    new = api.run(users.create_user(api.desk, anna, values(), with_temporary=True))
    rows = api.run(api.desk.records.audit.page(AuditFilter(object=f"user:{new.user.id}"), limit=9))
    assert [row.action for row in rows] == ["create"]
    api.run(log_in(api.desk, "new@example.org", new.password, address="192.0.2.7", user_agent=""))
    who = api.run(by_access_key(api.desk, new.access_key))
    assert (who.user_id, who.must_change_password) == (new.user.id, True)


def test_a_user_for_whom_no_password_can_be_made_is_not_made(api: GatewayApi) -> None:
    _, anna = made(api)
    api.desk.signing_in.passwords._waiting = WAITING_MAX
    assert refusal(api, users.create_user(api.desk, anna, values(), with_temporary=True)).status == 503
    assert [row.email for row in api.run(users.list_users(api.desk, anna))[0]] == ["anna@example.org"]


def test_a_renewed_access_key_ends_the_one_before(api: GatewayApi) -> None:
    person, anna = made(api, keys="read")
    renewed = api.run(credentials.renew_access_key(api.desk, anna, person.user.id))
    assert api.run(caller(api.desk, Person(person.user, renewed))).user_id == person.user.id
    with pytest.raises(AssertionError):
        api.run(caller(api.desk, person))


def test_who_may_only_reset_passwords_may_do_that_and_no_more(api: GatewayApi) -> None:
    _, helper = made(api, "desk@example.org", ResetPassword="admin", keys="read")
    person, _ = made(api, keys="read")
    temporary = api.run(credentials.reset_password(api.desk, helper, person.user.id))
    api.run(log_in(api.desk, "anna@example.org", temporary, address="192.0.2.7", user_agent=""))
    assert refusal(api, users.read_user(api.desk, helper, person.user.id)).status == 403


def test_what_is_done_to_users_is_audited_without_what_it_says(api: GatewayApi) -> None:
    person, anna = made(api)
    bert = api.run(users.create_user(api.desk, anna, values("bert@example.org", password=PASSWORD))).user
    api.clock.jump(1)
    api.run(users.change_user(api.desk, anna, bert.id, {"first_name": "Bert", "password": "another long one"}))
    api.run(users.change_user(api.desk, anna, bert.id, {"first_name": "Bert"}))
    api.run(users.delete_user(api.desk, anna, bert.id))
    rows = api.run(api.desk.records.audit.page(AuditFilter(object=f"user:{bert.id}"), limit=9))[::-1]
    assert [(row.action, row.actor, row.actor_label) for row in rows] == [
        (action, person.user.id, "anna@example.org") for action in ("create", "change", "delete")
    ]
    assert rows[1].fields == ["first_name", "password_hash", "password_changed_at"]
    assert "Bert" not in str(rows)


def test_an_organisation_is_made_changed_and_removed_by_the_administration_alone(api: GatewayApi) -> None:
    _, anna = made(api)
    body = {"owner_name": "Acme", "owner_slug": "acme", "id": "acme", "cname_enabled": True}
    row = api.run(organisations.create_organisation(api.desk, ADMINISTRATION, body, keeps_id=True))
    assert (row.id, row.name, '"owner_slug": "acme"' in row.body) == ("acme", "Acme", True)
    assert refusal(api, organisations.read_organisation(api.desk, anna, "acme")).status == 404
    again = organisations.create_organisation(api.desk, ADMINISTRATION, body, keeps_id=True)
    assert refusal(api, again).members["code"] == "organisation_exists"
    assert refusal(api, organisations.create_organisation(api.desk, ADMINISTRATION, {})).status == 400
    api.call("POST", "/tyk/apis", keyless_api("http://u/", org_id="acme"))
    gone = organisations.delete_organisation(api.desk, ADMINISTRATION, "acme")
    assert refusal(api, gone).message == "This organisation has APIs; remove them first"
    api.call("DELETE", "/tyk/apis/keyless")
    api.run(organisations.delete_organisation(api.desk, ADMINISTRATION, "acme"))
    assert api.run(users.list_users(api.desk, ADMINISTRATION)) == ([], 1)
