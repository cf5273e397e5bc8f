"""Signing in and out: who gets in, how long they stay, and what guessing costs."""

from typing import Any

import pytest

from propylon.control.people import passwords as passwords_module
from propylon.control.people.credentials import change_own_password, reset_password, revoke
from propylon.control.people.login import (
    LONGEST_S,
    LoginRefused,
    csrf_token,
    end_sign_in,
    list_sign_ins,
    log_in,
    log_out,
)
from propylon.control.people.passwords import Passwords, TooBusy, why_not_taken
from propylon.control.people.signed_in import IDLE_S, by_access_key, by_session
from propylon.control.people.throttle import ACCOUNT, ACCOUNT_FROM_ADDRESS, Throttle
from propylon.control.people.users import change_user
from propylon.stores.records.audit_reads import AuditFilter
from propylon.stores.records.people_edit import SIGN_INS_MAX
from tests.control.conftest import GatewayApi
from tests.kit.people import ADMINISTRATION, PASSWORD, a_user, caller

HERE, THERE = "192.0.2.7", "198.51.100.9"
NEW = "another long password"


async def signs_in(
    api: GatewayApi, password: str = PASSWORD, *, email: str = "anna@example.org", address: str = HERE
) -> str:
    return (await log_in(api.desk, email, password, address=address, user_agent="a browser")).token


def refused(api: GatewayApi, password: str = "a wrong password", **said: Any) -> LoginRefused:
    with pytest.raises(LoginRefused) as caught:
        api.run(signs_in(api, password, **said))
    return caught.value


def audited(api: GatewayApi) -> list[tuple[str, str, int]]:
    rows = api.run(api.desk.records.audit.page(AuditFilter(), limit=100))
    return [(row.action, row.address, row.times) for row in rows[::-1]]


def test_who_has_signed_in_is_known_by_the_token_and_until_they_sign_out(api: GatewayApi) -> None:
    person = api.run(a_user(api.desk))
    token = api.run(signs_in(api, email=" Anna@Example.ORG "))
    who = api.run(by_session(api.desk, token))
    assert (who.user_id, who.org_id, who.email, who.name) == (person.user.id, "acme", *["anna@example.org"] * 2)
    assert who.permissions.is_admin
    assert not who.must_change_password
    assert api.run(by_session(api.desk, token + "x")) is None
    assert api.run(by_session(api.desk, "")) is None
    api.run(log_out(api.desk, token))
    api.run(log_out(api.desk, token))
    assert api.run(by_session(api.desk, token)) is None
    assert [one[0] for one in audited(api)] == ["create", "sign_in", "sign_out"]


def test_an_access_key_is_its_user(api: GatewayApi) -> None:
    person = api.run(a_user(api.desk, keys="read"))
    who = api.run(by_access_key(api.desk, person.access_key))
    assert (who.user_id, who.session, who.permissions.levels) == (person.user.id, "", {"keys": "read"})
    assert api.run(by_access_key(api.desk, "")) is None
    assert api.run(by_access_key(api.desk, "0" * 32)) is None


def test_a_wrong_password_an_unknown_address_and_an_inactive_user_get_the_same_answer(api: GatewayApi) -> None:
    person = api.run(a_user(api.desk))
    api.run(a_user(api.desk, "bert@example.org"))
    api.run(change_user(api.desk, ADMINISTRATION, person.user.id, {"active": False}))
    for refusal in (refused(api, email="bert@example.org"), refused(api, email="nobody@x.y"), refused(api, PASSWORD)):
        assert (refusal.reason, refusal.wait_s) == ("wrong", 0)


def test_a_sign_in_ends_when_nobody_is_there_and_at_last_in_any_case(api: GatewayApi) -> None:
    api.run(a_user(api.desk))
    idle = api.run(signs_in(api))
    busy = api.run(signs_in(api))
    for _ in range(int(LONGEST_S / (IDLE_S - 1))):
        api.clock.jump(IDLE_S - 1)
        assert api.run(by_session(api.desk, busy)) is not None
    assert api.run(by_session(api.desk, idle)) is None
    api.clock.jump(IDLE_S - 1)
    assert api.run(by_session(api.desk, busy)) is None


def test_sign_ins_are_listed_and_ended_and_only_so_many_are_kept(api: GatewayApi) -> None:
    person = api.run(a_user(api.desk))
    tokens = []
    for _ in range(3):
        tokens.append(api.run(signs_in(api)))
        api.clock.jump(1)
    listed = api.run(list_sign_ins(api.desk, person.user.id))
    assert [(one.address, one.user_agent) for one in listed] == [(HERE, "a browser")] * 3
    assert not any(token in str(listed) for token in tokens)
    assert api.run(end_sign_in(api.desk, ADMINISTRATION, person.user, listed[0].token_hash))
    assert not api.run(end_sign_in(api.desk, ADMINISTRATION, person.user, listed[0].token_hash))
    assert [api.run(by_session(api.desk, token)) is None for token in tokens] == [False, False, True]
    for _ in range(SIGN_INS_MAX):
        api.clock.jump(1)
        api.run(signs_in(api))
    assert len(api.run(list_sign_ins(api.desk, person.user.id))) == SIGN_INS_MAX
    assert api.run(by_session(api.desk, tokens[0])) is None


def test_a_new_password_ends_the_other_sign_ins_and_the_old_password(api: GatewayApi) -> None:
    person = api.run(a_user(api.desk))
    mine, other = api.run(signs_in(api)), api.run(signs_in(api))
    who = api.run(caller(api.desk, person))._replace(session=api.run(by_session(api.desk, mine)).session)
    api.run(change_own_password(api.desk, who, PASSWORD, NEW))
    assert [api.run(by_session(api.desk, one)) is None for one in (mine, other)] == [False, True]
    assert refused(api, PASSWORD).reason == "wrong"
    api.run(signs_in(api, NEW))


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("a wrong password", NEW, "current_password"),
        (PASSWORD, "too short", "new_password"),
        (PASSWORD, "aaaaaaaaaaaaaaaa", "new_password"),
        (PASSWORD, "anna@example.org", "new_password"),
        (PASSWORD, PASSWORD, "new_password"),
    ],
)
def test_a_password_that_will_not_do_is_refused_by_its_field(
    api: GatewayApi, current: str, new: str, field: str
) -> None:
    who = api.run(caller(api.desk, api.run(a_user(api.desk))))
    with pytest.raises(Exception, match=field) as caught:
        api.run(change_own_password(api.desk, who, current, new))
    assert caught.value.members["problems"][0]["path"] == field
    api.run(signs_in(api))


def test_after_a_reset_the_temporary_password_is_changed_before_anything_else(api: GatewayApi) -> None:
    person = api.run(a_user(api.desk))
    before = api.run(signs_in(api))
    temporary = api.run(reset_password(api.desk, ADMINISTRATION, person.user.id))
    assert api.run(by_session(api.desk, before)) is None
    token = api.run(signs_in(api, temporary))
    who = api.run(by_session(api.desk, token))
    assert (who.must_change_password, who.permissions.allows("keys", "read")) == (True, False)
    assert not api.run(by_access_key(api.desk, person.access_key)).permissions.allows("keys", "read")
    me = api.run(caller(api.desk, person))._replace(session=who.session)
    api.run(change_own_password(api.desk, me, temporary, NEW))
    assert api.run(by_session(api.desk, token)).permissions.is_admin


def test_whoever_is_revoked_is_out_at_once(api: GatewayApi) -> None:
    person = api.run(a_user(api.desk, keys="read"))
    token = api.run(signs_in(api))
    api.run(revoke(api.desk, ADMINISTRATION, person.user.id))
    assert api.run(by_session(api.desk, token)) is None
    assert api.run(by_access_key(api.desk, person.access_key)) is None
    assert refused(api, PASSWORD).reason == "wrong"


def test_guessing_has_to_wait_longer_each_time_and_the_right_password_waits_too(api: GatewayApi) -> None:
    api.run(a_user(api.desk))
    for _ in range(ACCOUNT_FROM_ADDRESS.free):
        assert refused(api).reason == "wrong"
    waits = []
    for _ in range(3):
        refusal = refused(api, PASSWORD)
        assert refusal.reason == "wait"
        waits.append(refusal.wait_s)
        api.clock.jump(refusal.wait_s)
        assert refused(api).reason == "wrong"
    assert waits == [1, 2, 4]
    api.clock.jump(8)
    api.run(signs_in(api))
    assert refused(api).reason == "wrong"


def test_nobody_is_shut_out_for_good_and_a_usual_address_not_at_all() -> None:
    throttle, now = Throttle(), 1000.0
    for number in range(1000):
        now += throttle.begin("anna", f"10.0.{number % 200}.1", now)
        throttle.begin("anna", f"10.0.{number % 200}.1", now)
    assert 0 < throttle.begin("anna", THERE, now) <= ACCOUNT.longest_s
    assert throttle.begin("anna", HERE, now, is_usual=True) == 0
    assert throttle.begin("bert", THERE, now) == 0


def test_guesses_at_many_accounts_from_one_address_wait_as_well() -> None:
    throttle = Throttle()
    waits = [throttle.begin(f"user-{number}", HERE, 1000.0) for number in range(30)]
    assert (waits[19], waits[20] > 0) == (0, True)
    assert throttle.begin("anna", THERE, 1000.0) == 0


def test_of_users_with_one_address_in_two_organisations_the_password_says_which(api: GatewayApi) -> None:
    api.run(a_user(api.desk))
    other = api.run(a_user(api.desk, org_id="other"))
    api.run(change_user(api.desk, ADMINISTRATION, other.user.id, {"password": NEW}))
    assert api.run(by_session(api.desk, api.run(signs_in(api)))).org_id == "acme"
    assert api.run(by_session(api.desk, api.run(signs_in(api, NEW)))).org_id == "other"


def test_refused_sign_ins_are_audited_and_a_flood_of_them_fills_nothing(api: GatewayApi) -> None:
    api.run(a_user(api.desk))
    for _ in range(10):
        refused(api)
    refused(api, email="password-in-the-wrong-field", address=THERE)
    api.clock.jump(61)
    refused(api, email="nobody@example.org", address=THERE)
    rows = audited(api)[1:]
    assert rows == [
        ("sign_in_refused", HERE, 1),
        ("sign_in_refused", THERE, 1),
        ("sign_in_refused", HERE, 9),
        ("sign_in_refused", THERE, 1),
    ]
    assert "password-in-the-wrong-field" not in str(api.run(api.desk.records.audit.page(AuditFilter(), limit=99)))


def test_a_csrf_token_is_of_one_session(api: GatewayApi) -> None:
    assert csrf_token(api.desk, "a") == csrf_token(api.desk, "a") != csrf_token(api.desk, "b")


def test_only_so_many_wait_for_their_password_to_be_looked_at(api: GatewayApi) -> None:
    async def crowd() -> None:
        passwords = Passwords()
        passwords._waiting = passwords_module.WAITING_MAX
        with pytest.raises(TooBusy):
            await passwords.fits("", PASSWORD)

    api.run(crowd())


def test_a_password_may_be_any_text_of_some_length() -> None:
    assert [why_not_taken(one, "a@b") for one in ("twelve chars", "пароль очень длинный", "x y z w v u t s")] == [
        ""
    ] * 3


def test_nothing_that_lets_anybody_in_stands_in_the_records(api: GatewayApi) -> None:
    person = api.run(a_user(api.desk))
    token = api.run(signs_in(api))
    stored = b"".join(path.read_bytes() for path in api.folder.rglob("*") if path.is_file())
    for secret in (PASSWORD, token, person.access_key):
        assert secret.encode() not in stored
