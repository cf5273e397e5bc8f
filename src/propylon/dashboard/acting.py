"""Whoever made a request, as the functions of people take them. What those change is no revision: no worker knows."""

from propylon.control.people.caller import Caller
from propylon.dashboard.visit import Visit
from propylon.stores.records.writes import Actor


def acting(visit: Visit) -> Caller:
    who = visit.who
    by = Actor("user", who.user_id, visit.address, who.email)
    return Caller(by, who.org_id, who.permissions, who.user_id, who.session)
