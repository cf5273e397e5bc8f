"""The keys: a page of them, narrowed, and the search that takes anything known of one (user-pains P11, P12, P16).

What is searched for may be a credential, so it travels in a form and never in a URL.
"""

from typing import Any, Final

from starlette.responses import Response

from propylon.control import key_find
from propylon.control.envelope import Refused
from propylon.dashboard.asking import ask
from propylon.dashboard.key_choices import choices_of
from propylon.dashboard.key_filter import KINDS, STATES, KeyFilter, KeyPage, page_of_keys, read_filter
from propylon.dashboard.visit import Visit

PAGE: Final = 25
EMPTY: Final = "Write or paste something that is known of the key."
NO_PAGE: Final = KeyPage([], None)


async def show(visit: Visit) -> Response:
    """`?after=` is the record of the last one before this page, as the page before says."""
    after, chosen = record_of(visit.query.get("after", "0")), read_filter(visit.query)
    choices = await choices_of(visit)
    page = await page_of_keys(visit, choices, chosen, after=after, size=PAGE)
    policies = [(id_, one.policy.name or id_) for id_, one in choices.policies.items()]
    return _page(visit, page=page, chosen=chosen, after=after, policies=policies, apis=list(choices.names.items()))


async def find(visit: Visit) -> Response:
    """One key or identity is shown at once; several are listed."""
    q = visit.form.text("q")
    if not q:
        return _page(visit, 422, error=EMPTY)
    try:
        found = await ask(visit, key_find.find, query={"q": q})
    except Refused as refused:
        if refused.status != 404:
            raise
        return _page(visit, 404, matches=[])
    if len(found["matches"]) == 1:
        return visit.to(place_of(found["matches"][0]))
    matches = [{**one, "place": place_of(one)} for one in found["matches"]]
    return _page(visit, matches=matches, further=found.get("more", []))


def _page(visit: Visit, status: int = 200, **values: Any) -> Response:
    """What was searched for is not shown again, as it may be a credential."""
    rest = {
        "page": NO_PAGE,
        "chosen": KeyFilter(),
        "after": 0,
        "policies": [],
        "apis": [],
        "error": "",
        "matches": None,
        "further": [],
        "kinds": KINDS,
        "states": STATES,
        "may_write": visit.who.permissions.allows("keys", "write"),
    }
    return visit.page("keys.html", status, **{**rest, **values})


def place_of(match: dict[str, Any]) -> str:
    if match["kind"] == "identity":
        return f"/identities/{match['record']}"
    return f"/keys/{match['key_hash']}"


def record_of(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Refused(400, "after must be a whole number: follow the links below the list")
    return int(text)
