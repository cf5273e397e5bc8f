"""Which keys a list shows: by kind, state, end, policy, API and tag, all at once."""

from collections.abc import Mapping
from typing import Final, NamedTuple, cast
from urllib.parse import urlencode

from propylon.control.envelope import Refused
from propylon.dashboard.key_choices import Choices
from propylon.dashboard.key_life import DAY_S
from propylon.dashboard.shown_key import ShownKey, shown_key, with_last_used
from propylon.dashboard.visit import Visit
from propylon.stores.records.key_lists import KeyList, KeyState

SOON_S: Final = 30 * DAY_S
KINDS: Final = (("token", "Tokens"), ("jwt_key", "JWT signing keys"))
STATES: Final = (
    ("active", "Active"),
    ("suspended", "Suspended"),
    ("expired", "Expired"),
    ("soon", "Ends within 30 days"),
)


class KeyFilter(NamedTuple):
    """As the address of the list says it; "" = any."""

    kind: str = ""
    state: str = ""
    policy: str = ""
    api: str = ""
    tag: str = ""

    @property
    def query(self) -> str:
        """For an address."""
        return urlencode({name: value for name, value in self._asdict().items() if value})

    @property
    def needs_whole_lists(self) -> bool:
        """Whether keys that are not listed yet, after an update, would be missing."""
        return bool(self.state or self.tag)


class KeyPage(NamedTuple):
    """A page of a list."""

    keys: list[ShownKey]
    after: int | None  # the record behind which the next begins, None at the end
    is_whole: bool = True  # False: an update is not done yet, and keys may be missing


def read_filter(fields: Mapping[str, str]) -> KeyFilter:
    """Raises Refused."""
    chosen = KeyFilter(**{name: fields.get(name, "").strip() for name in KeyFilter._fields})
    for name, known in (("kind", dict(KINDS)), ("state", dict(STATES))):
        value = getattr(chosen, name)
        if value and value not in known:
            raise Refused(400, f"{name}: choose one of {', '.join(known)}")
    return chosen


async def page_of_keys(visit: Visit, choices: Choices, chosen: KeyFilter, *, after: int, size: int) -> KeyPage:
    """In the order in which they were made, those behind the record `after`."""
    lists = visit.desk.records.key_lists
    is_whole = not chosen.needs_whole_lists or await lists.are_whole()
    rows = await lists.page(_as_list(visit, choices, chosen), after=after, limit=size + 1)
    keys = await with_last_used(visit, [shown_key(row, visit.now) for row in rows[:size]])
    return KeyPage(keys, rows[size - 1].record_id if len(rows) > size else None, is_whole)


def _as_list(visit: Visit, choices: Choices, chosen: KeyFilter) -> KeyList:
    org_id, refers_to = visit.who.org_id, list[tuple[str, ...]]()
    if chosen.policy:
        refers_to.append((f"policy:{org_id}/{chosen.policy}",))
    if chosen.api:
        opening = [one.policy.id for one in choices.policies.values() if chosen.api in one.policy.access_rights]
        refers_to.append((f"api:{chosen.api}", *(f"policy:{org_id}/{id_}" for id_ in opening)))
    return KeyList(
        org_id,
        refers_to=refers_to,
        kind=chosen.kind,
        tag=chosen.tag,
        state=cast(KeyState, chosen.state),
        now=visit.now,
        soon=visit.now + SOON_S,
    )
