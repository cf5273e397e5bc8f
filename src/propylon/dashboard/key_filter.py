"""Which keys a list shows: by kind, state, end, policy, API and tag, all at once.

Policy and API are found by an index; the rest is looked at key by key, so many keys a page at most, and the page says
where it stopped. Each piece is read by itself, so that nothing else waits for a long list.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import urlencode

from propylon.control.envelope import Refused
from propylon.dashboard.key_choices import Choices
from propylon.dashboard.key_life import DAY_S
from propylon.dashboard.shown_key import ShownKey, shown_key, with_last_used
from propylon.dashboard.visit import Visit

PIECE: Final = 200  # keys read at once
LOOKED_AT_MAX: Final = 5_000  # keys looked at for one page
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

    def admits(self, key: ShownKey, opening: Sequence[str], now: float) -> bool:
        """`opening`: the policies that grant `api`."""
        return (
            self.kind in ("", key.kind)
            and self._is_in_state(key, now)
            and (not self.tag or self.tag in key.tags)
            and (not self.policy or self.policy in key.policies)
            and (not self.api or self.api in key.apis or not set(opening).isdisjoint(key.policies))
        )

    def _is_in_state(self, key: ShownKey, now: float) -> bool:
        if self.state == "soon":
            return key.state == "active" and 1 < key.expires < now + SOON_S
        return self.state in ("", key.state)


class KeyPage(NamedTuple):
    """A page of a list."""

    keys: list[ShownKey]
    after: int | None  # the record behind which the next begins, None at the end
    is_cut: bool = False  # it stopped looking before the page was full


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
    opening = [one.policy.id for one in choices.policies.values() if chosen.api in one.policy.access_rights]
    uses = _uses(visit.who.org_id, chosen, opening)
    piece = PIECE if any(chosen) else size + 1
    found, looked_at = list[ShownKey](), 0
    while looked_at < LOOKED_AT_MAX:
        rows = await visit.desk.records.keys_using(uses, org_id=visit.who.org_id, after=after, limit=piece)
        for row in rows:
            key = shown_key(row, visit.now)
            if chosen.admits(key, opening, visit.now):
                if len(found) == size:
                    return KeyPage(await with_last_used(visit, found), after)
                found.append(key)
            after = row.record_id
        if len(rows) < piece:
            return KeyPage(await with_last_used(visit, found), None)
        looked_at += len(rows)
    return KeyPage(await with_last_used(visit, found), after, is_cut=True)


def _uses(org_id: str, chosen: KeyFilter, opening: Sequence[str]) -> list[str]:
    """What the keys refer to, in the words of the change log, any of these; empty for every key."""
    if chosen.policy:
        return [f"policy:{org_id}/{chosen.policy}"]
    return [f"api:{chosen.api}", *(f"policy:{org_id}/{one}" for one in opening)] if chosen.api else []
