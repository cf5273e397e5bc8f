"""Who is there: found by the token of a sign-in or by an access key, with what they may do at this moment.

Neither is stored: the records hold keyed hashes of them. A user who has to change their password may do nothing else.
"""

import json
from typing import Final, NamedTuple

from propylon.control.people.people_desk import PeopleDesk
from propylon.model.permissions import NO_PERMISSIONS, Permissions, parse_permissions, united
from propylon.stores.records.people import SignInRow, UserRow

IDLE_S: Final = 3_600.0  # without a request
SEEN_S: Final = 60.0  # so often is it written down that somebody was there
TOKEN_CHARACTERS_MAX: Final = 256  # what is longer is none of ours


class SignedIn(NamedTuple):
    """Somebody, for the length of one request."""

    user_id: str
    org_id: str
    email: str
    name: str
    permissions: Permissions
    session: str  # the hash of their token, "" for an access key
    must_change_password: bool = False


async def by_session(desk: PeopleDesk, token: str, *, is_background: bool = False) -> SignedIn | None:
    """None for a token that is unknown, over, or of a user who is not active.

    `is_background`: a page asked by itself, which does not show that somebody is there.
    """
    if not 0 < len(token) <= TOKEN_CHARACTERS_MAX:
        return None
    found = await desk.records.people.sign_in(token_hash(desk, token))
    if found is None or is_over(found[0], desk.clock.wall()) or not found[1].active:
        return None
    sign_in, user = found
    if not is_background and desk.clock.wall() >= sign_in.last_seen_at + SEEN_S:
        await desk.records.touch_sign_in(sign_in.token_hash)
    return await signed_in(desk, user, sign_in.token_hash)


async def by_access_key(desk: PeopleDesk, access_key: str) -> SignedIn | None:
    if not 0 < len(access_key) <= TOKEN_CHARACTERS_MAX:
        return None
    user = await desk.records.people.user_of_access_key(access_key_hash(desk, access_key))
    return None if user is None or not user.active else await signed_in(desk, user, "")


async def signed_in(desk: PeopleDesk, user: UserRow, session: str) -> SignedIn:
    must_change = bool(user.must_change_password)
    permissions = NO_PERMISSIONS if must_change else await permissions_of(desk, user)
    name = f"{user.first_name} {user.last_name}".strip() or user.email
    return SignedIn(user.id, user.org_id, user.email, name, permissions, session, must_change)


async def permissions_of(desk: PeopleDesk, user: UserRow) -> Permissions:
    """Their own and their group's."""
    group = await desk.records.people.group(user.group_id, user.org_id) if user.group_id else None
    return united(
        stored_permissions(user.permissions), stored_permissions("{}" if group is None else group.permissions)
    )


def stored_permissions(text: str) -> Permissions:
    permissions, problems = parse_permissions(json.loads(text), "user_permissions")
    assert not problems, "permissions are judged before they are stored"
    return permissions


def is_over(sign_in: SignInRow, now: float) -> bool:
    return now >= sign_in.expires_at or now >= sign_in.last_seen_at + IDLE_S


def token_hash(desk: PeopleDesk, token: str) -> str:
    return desk.sealing.mac("sign-in token", token)


def access_key_hash(desk: PeopleDesk, access_key: str) -> str:
    return desk.sealing.mac("access key", access_key)
