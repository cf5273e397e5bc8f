"""Where each limit of an effective session comes from, who offered another one and why it lost (P-13 … P-25).

`MergeRecord` watches one `PolicyMerge` when somebody asks; the data path merges without one. It decides nothing: it
compares what a policy offered with what was held before and after, so it cannot tell another story than the merge.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, NamedTuple

from propylon.model.access_definition import ApiLimit
from propylon.model.limits import UNLIMITED, interval

KEY: Final = "the key"
NOBODY: Final = "nobody"
ROOT: Final = ""  # the place of the numbers that hold for every API without its own


class Loser(NamedTuple):
    """Somebody who offered a value that is not in force."""

    source: str
    value: str
    because: str


class Provenance(NamedTuple):
    """One field as it is in force on one API, `api_id` "" for the key as a whole."""

    api_id: str
    field: str
    value: str
    source: str  # "policy gold", "the key", "nobody"
    rule: str
    losers: tuple[Loser, ...]

    @property
    def text(self) -> str:
        lost = "".join(f"; {loser.source} lost: {loser.value} {loser.because}" for loser in self.losers)
        return f"{self.field} {self.value} from {self.source}{lost}"


class _Field(NamedTuple):
    """Numbers that move together."""

    name: str
    part: str  # the partition that applies it
    rule: str
    numbers: tuple[str, ...]

    def of(self, limit: ApiLimit) -> tuple[float, ...]:
        return tuple([getattr(limit, name) for name in self.numbers])

    def is_set(self, value: tuple[float, ...]) -> bool:
        return all(value)


_FIELDS: Final = (
    _Field("rate", "rate_limit", "P-16", ("rate", "per")),
    _Field("throttle_interval", "rate_limit", "P-16", ("throttle_interval",)),
    _Field("throttle_retry_limit", "rate_limit", "P-16", ("throttle_retry_limit",)),
    _Field("quota_max", "quota", "P-15", ("quota_max",)),
    _Field("quota_renewal_rate", "quota", "P-15", ("quota_renewal_rate",)),
    _Field("max_query_depth", "complexity", "P-17", ("max_query_depth",)),
)


class _Held(NamedTuple):
    """A field while policies are merged."""

    value: tuple[float, ...]
    source: str
    rule: str
    losers: tuple[Loser, ...]


class MergeRecord:
    """Of one merge. The merge calls the methods below; `provenance` is asked at its end."""

    def __init__(self) -> None:
        self._held: dict[str, dict[str, _Held]] = {}
        self._granted: dict[str, list[str]] = {}

    # -- what the merge tells -------------------------------------------------------------------------------------

    def begins(self, root: ApiLimit) -> None:
        self._held[ROOT] = {field.name: _Held(field.of(root), KEY, "A-11", ()) for field in _FIELDS}

    def cleared(self, policy_id: str, root: ApiLimit) -> None:
        """P-13: what a policy speaks of is not the key's to say."""
        for field in _FIELDS:
            held = self._held[ROOT][field.name]
            if field.of(root) != held.value:
                because = f"is the key's own, which policy {policy_id} replaces (P-13)"
                lost = Loser(KEY, shown(field.name, held.value), because)
                self._held[ROOT][field.name] = _Held(field.of(root), NOBODY, "P-13", (*held.losers, lost))

    def granted(self, api_id: str, policy_id: str, *, alone: bool = False) -> None:
        """`alone`: the lists of this policy stand in the place of those before (P-24)."""
        before = [] if alone else self._granted.get(api_id, [])
        self._granted[api_id] = [*before, policy_id]

    def merged(
        self,
        api_id: str,
        policy_id: str,
        offered: ApiLimit,
        held: ApiLimit,
        applies: Callable[[str], bool],
        rule: str = "",
    ) -> None:
        """What is held on one API, or at the root, once this policy has offered its numbers."""
        place = self._held.setdefault(api_id, {})
        for field in _FIELDS:
            before = place.get(field.name) or self._nothing_yet(field)
            place[field.name] = _after(
                field,
                before,
                f"policy {policy_id}",
                field.of(offered),
                field.of(held),
                rule or field.rule,
                applies=applies(field.part),
            )

    def inherited(self, api_id: str, parts: Collection[str]) -> None:
        """P-20: no policy applied these parts to the API, so the root's numbers hold."""
        place, root = self._held.setdefault(api_id, {}), self._held[ROOT]
        for field in _FIELDS:
            if field.part in parts:
                losers = place[field.name].losers if field.name in place else ()
                place[field.name] = root[field.name]._replace(rule="P-20", losers=(*root[field.name].losers, *losers))

    def mirrored(self, api_id: str) -> None:
        """P-25."""
        for field in _FIELDS:
            if not field.name.startswith("throttle"):
                losers = dict.fromkeys((*self._held[ROOT][field.name].losers, *self._held[api_id][field.name].losers))
                self._held[ROOT][field.name] = self._held[api_id][field.name]._replace(
                    rule="P-25", losers=tuple(losers)
                )

    def _nothing_yet(self, field: _Field) -> _Held:
        of_key = [loser for loser in self._held[ROOT][field.name].losers if loser.source == KEY]
        return _Held((0.0,) * len(field.numbers), NOBODY, field.rule, tuple(of_key))

    # -- what it comes to -----------------------------------------------------------------------------------------

    def provenance(self, root_apis: Iterable[str]) -> list[Provenance]:
        """Of the key as a whole and of every API that is granted; `root_apis` are those without their own numbers."""
        at_root = frozenset(root_apis)
        listed = list(_listed(ROOT, self._held[ROOT]))
        for api_id, policy_ids in self._granted.items():
            named = ", ".join(f"policy {policy_id}" for policy_id in policy_ids)
            listed.append(Provenance(api_id, "access", "granted", named, "P-14", ()))
            place = {name: held._replace(rule="A-11") for name, held in self._held[ROOT].items()}
            listed += _listed(api_id, place if api_id in at_root else self._held[api_id])
        return listed


def _listed(api_id: str, place: dict[str, _Held]) -> Iterable[Provenance]:
    for name, held in place.items():
        if any(held.value) or held.losers:
            yield Provenance(api_id, name, shown(name, held.value), held.source, held.rule, held.losers)


def _after(
    field: _Field,
    before: _Held,
    source: str,
    offered: tuple[float, ...],
    held: tuple[float, ...],
    rule: str,
    *,
    applies: bool,
) -> _Held:
    """Who has the word now, and who lost it."""
    if not applies:
        if not field.is_set(offered):
            return before
        because = f"is not applied, as the policy's partitions do not name {field.part}"
        return before._replace(losers=(*before.losers, Loser(source, shown(field.name, offered), because)))
    if held == before.value:
        if not field.is_set(offered):
            return before
        because = "says the same" if offered == held else _why_lost(field, offered, held)
        return before._replace(losers=(*before.losers, Loser(source, shown(field.name, offered), because)))
    losers = before.losers
    if field.is_set(before.value):
        why = "is overwritten by a later policy" if rule == "P-21" else _why_lost(field, before.value, held)
        losers = (*losers, Loser(before.source, shown(field.name, before.value), why))
    return _Held(held, source, rule, losers)


def _why_lost(field: _Field, lost: tuple[float, ...], held: tuple[float, ...]) -> str:
    if field.name == "rate" and interval(*lost) == interval(*held):
        return "is as frequent, and the first one stands"
    return "is lower"


def shown(field: str, value: tuple[float, ...]) -> str:
    """For people; a rate or per of 0 says nothing (P-16)."""
    if field == "rate":
        rate, per = value
        if not rate or not per:
            return "not set"
        return "unlimited" if rate < 0 or per < 0 else f"{number(rate)} per {number(per)} s"
    (only,) = value
    return "unlimited" if only == UNLIMITED and field in ("quota_max", "max_query_depth") else number(only)


def number(value: float) -> str:
    """Without a fraction where there is none, and never as 1e+06."""
    return str(int(value)) if value == int(value) else f"{value:.15g}"


def limit_provenance(api_id: str, limit: ApiLimit, source: str, rule: str) -> list[Provenance]:
    """Of numbers that nobody disputed."""
    values = [(field.name, field.of(limit)) for field in _FIELDS]
    return [Provenance(api_id, name, shown(name, value), source, rule, ()) for name, value in values if any(value)]


def numbers_of(limit: ApiLimit) -> dict[str, Any]:
    """The numbers that provenance speaks of, by field."""
    return {field.name: shown(field.name, field.of(limit)) for field in _FIELDS}
