"""How several policies become the access rights and limits of one key (P-5, P-6, P-13 … P-28).

One `PolicyMerge` lives for one key under one set of policies. Order matters only where Tyk's rules say so.
What policies and keys wrote is shared and never changed: the limits that are merged here are copies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from propylon.errors import Problem
from propylon.model.access_definition import AccessDefinition, ApiLimit, Endpoint
from propylon.model.limits import UNLIMITED, exceeds, is_set
from propylon.model.policy import Policy, partitions_fault
from propylon.model.provenance import ROOT, MergeRecord
from propylon.model.rights_merge import is_faster, merged_endpoints, united
from propylon.model.session_record import Session, root_limit

MIXED: Final = "cannot apply multiple policies when some have per_api set and some are partitioned"


class Grant:
    """What has been merged for one API so far."""

    __slots__ = ("applied", "definition", "endpoints", "limit", "scope", "set_by")

    def __init__(self) -> None:
        self.definition: AccessDefinition | None = None  # None until a policy applies its access control list
        self.limit = ApiLimit()
        self.endpoints: Sequence[Endpoint] = ()
        self.applied: set[str] = set()  # parts other than acl that some policy applied
        self.scope = ""  # whose counters are used; "" = those of the key
        self.set_by = ""  # what last supplied the access control list


class PolicyMerge:
    """Takes policies one by one; `finish` gives what they grant together. `record` is told who offered what."""

    def __init__(self, session: Session, policies: Sequence[Policy], record: MergeRecord | None = None) -> None:
        self.root = root_limit(session)
        self._record = record
        self._own = session.access_rights
        self._grants: dict[str, Grant] = {}
        self._seen_per_api = False
        self._seen_partitioned = False
        if record is not None:
            record.begins(self.root)
        for policy in policies:
            self._clear(policy)
            if record is not None:
                record.cleared(policy.id, self.root)

    def add(self, policy: Policy) -> Problem | None:
        partitions = policy.partitions
        if fault := partitions_fault(policy):
            return Problem("apply_policies", "policy_partitions", fault)
        self._seen_per_api |= partitions.per_api
        self._seen_partitioned |= partitions.is_partitioned
        if self._seen_per_api and self._seen_partitioned:
            return Problem("apply_policies", "policies_mixed", MIXED)
        if partitions.per_api:
            self._add_per_api(policy)
        elif policy.access_rights:
            self._add_parts(policy)
        else:
            _overwrite(self.root, policy)
            self._tell(ROOT, policy, policy.limit, self.root, rule="P-21")
        return None

    def finish(self) -> dict[str, Grant]:
        """Grants by API id; an API that no access control list names is dropped (P-19)."""
        granted = {api_id: grant for api_id, grant in self._grants.items() if grant.definition is not None}
        scopes_differ = len({grant.set_by for grant in granted.values()}) > 1
        for api_id, grant in granted.items():
            if self._record is not None:
                self._record.inherited(api_id, _MERGES.keys() - grant.applied)
            self._inherit(grant)
            if scopes_differ and not grant.scope:
                grant.scope = grant.set_by
        self._mirror(granted)
        return granted

    def _clear(self, policy: Policy) -> None:
        """P-13: what a policy speaks of is not the key's to say."""
        root, partitions = self.root, policy.partitions
        if partitions.applies("quota"):
            root.quota_max = root.quota_remaining = 0
        if partitions.applies("rate_limit"):
            _copy_rate(ApiLimit(), root)
            root.throttle_interval = root.throttle_retry_limit = 0
        if partitions.applies("complexity"):
            root.max_query_depth = 0

    def _add_parts(self, policy: Policy) -> None:
        """P-14 … P-18. The numbers are the policy's own; an entry's limit speaks only where those are silent."""
        partitions, numbers = policy.partitions, policy.limit
        for api_id, entry in policy.access_rights.items():
            grant = self._grants.setdefault(api_id, Grant())
            offered = _filled(numbers, entry.own_limit)
            if partitions.applies("acl"):
                grant.definition = united(grant.definition, entry)
                grant.set_by = policy.id
            for part, merge in _MERGES.items():
                if partitions.applies(part):
                    grant.applied.add(part)
                    merge(offered, grant.limit)
            if partitions.applies("rate_limit"):
                grant.endpoints = merged_endpoints(grant.endpoints, entry.endpoints)
            self._keep_quota_renewal(api_id, grant)
            self._tell(api_id, policy, offered, grant.limit)
        for part, merge in _MERGES.items():
            if partitions.applies(part):
                merge(numbers, self.root)
        self._tell(ROOT, policy, numbers, self.root)

    def _add_per_api(self, policy: Policy) -> None:
        """P-22 … P-24: the last policy's lists stand, the more generous numbers win."""
        for api_id, entry in policy.access_rights.items():
            earlier = self._grants.get(api_id)
            grant = self._grants[api_id] = Grant()
            own = entry.own_limit
            grant.scope = grant.set_by = api_id if own is not None else policy.id
            grant.limit = replace(own if own is not None else policy.limit)
            grant.definition, grant.endpoints = entry, entry.endpoints
            grant.applied.update(_MERGES)
            if earlier is not None:
                _carry_over(earlier, grant)
            self._keep_quota_renewal(api_id, grant)
            self._tell(api_id, policy, policy.limit if own is None else own, grant.limit, rule="P-23")

    def _tell(self, api_id: str, policy: Policy, offered: ApiLimit, held: ApiLimit, rule: str = "") -> None:
        if self._record is None:
            return
        self._record.merged(api_id, policy.id, offered, held, policy.partitions.applies, rule)
        if api_id != ROOT and policy.partitions.applies("acl"):
            self._record.granted(api_id, policy.id, alone=policy.partitions.per_api)

    def _keep_quota_renewal(self, api_id: str, grant: Grant) -> None:
        own = self._own.get(api_id)
        if own is not None and own.own_limit is not None:
            grant.limit.quota_renews = own.own_limit.quota_renews  # P-18

    def _inherit(self, grant: Grant) -> None:
        """P-20: parts that no policy applied come from the root, as merged; without a rate there are no endpoints."""
        if "rate_limit" not in grant.applied:
            _copy_rate(self.root, grant.limit)
            grant.limit.throttle_interval = self.root.throttle_interval
            grant.limit.throttle_retry_limit = self.root.throttle_retry_limit
        if "complexity" not in grant.applied:
            grant.limit.max_query_depth = self.root.max_query_depth
        if "quota" not in grant.applied:
            _copy_quota(self.root, grant.limit)

    def _mirror(self, granted: Mapping[str, Grant]) -> None:
        """P-25: readers of the root see the numbers of the only API that has any."""
        counted = [grant for grant in self._grants.values() if grant.applied]
        if len(counted) == 1 and counted[0].applied == set(_MERGES) and counted[0] in granted.values():
            limit = counted[0].limit
            _copy_rate(limit, self.root)
            _copy_quota(limit, self.root)
            self.root.max_query_depth = limit.max_query_depth
            if self._record is not None:
                self._record.mirrored(next(api_id for api_id, grant in granted.items() if grant is counted[0]))


def _overwrite(root: ApiLimit, policy: Policy) -> None:
    """P-21: a policy without access rights writes the root, the last one wins."""
    numbers, partitions = policy.limit, policy.partitions
    if partitions.applies("rate_limit"):
        _copy_rate(numbers, root)
        root.throttle_interval, root.throttle_retry_limit = numbers.throttle_interval, numbers.throttle_retry_limit
    if partitions.applies("quota"):
        root.quota_max, root.quota_renewal_rate = numbers.quota_max, numbers.quota_renewal_rate
    if partitions.applies("complexity"):
        root.max_query_depth = numbers.max_query_depth


# -- numbers: each merges `offered` into `held` and tells whether anything was taken ----------------------------------


def _merge_rate(offered: ApiLimit, held: ApiLimit) -> bool:
    """P-16: rate, per and smoothing move together."""
    taken = is_faster(offered, held)
    if taken:
        _copy_rate(offered, held)
    held.throttle_interval = max(held.throttle_interval, offered.throttle_interval)
    held.throttle_retry_limit = max(held.throttle_retry_limit, offered.throttle_retry_limit)
    return taken


def _merge_quota(offered: ApiLimit, held: ApiLimit) -> bool:
    """P-15."""
    larger = exceeds(offered.quota_max, held.quota_max)
    longer = offered.quota_renewal_rate > held.quota_renewal_rate
    if larger:
        held.quota_max = offered.quota_max
    if longer:
        held.quota_renewal_rate = offered.quota_renewal_rate
    return larger or longer


def _merge_complexity(offered: ApiLimit, held: ApiLimit) -> bool:
    """P-17."""
    larger = exceeds(offered.max_query_depth, held.max_query_depth)
    if larger:
        held.max_query_depth = offered.max_query_depth
    return larger


_MERGES: Final = {"quota": _merge_quota, "rate_limit": _merge_rate, "complexity": _merge_complexity}


def _copy_rate(source: ApiLimit, target: ApiLimit) -> None:
    target.rate, target.per, target.smoothing = source.rate, source.per, source.smoothing


def _copy_quota(source: ApiLimit, target: ApiLimit) -> None:
    target.quota_max, target.quota_renews = source.quota_max, source.quota_renews
    target.quota_renewal_rate = source.quota_renewal_rate


def _filled(numbers: ApiLimit, own: ApiLimit | None) -> ApiLimit:
    """A stale limit of the entry cannot outbid the policy, and where the policy is silent the entry still holds."""
    if own is None:
        return numbers
    filled = replace(numbers)
    if not is_set(filled.rate, filled.per):
        _copy_rate(own, filled)
    if not filled.quota_max:
        filled.quota_max, filled.quota_renewal_rate = own.quota_max, own.quota_renewal_rate
    filled.throttle_interval = filled.throttle_interval or own.throttle_interval
    filled.throttle_retry_limit = filled.throttle_retry_limit or own.throttle_retry_limit
    filled.max_query_depth = filled.max_query_depth or own.max_query_depth
    return filled


def _carry_over(earlier: Grant, grant: Grant) -> None:
    """P-23, P-24: an earlier grant on the same API that is more generous brings its scope with its numbers."""
    taken = [merge(earlier.limit, grant.limit) for merge in _MERGES.values()]
    if any(taken):
        grant.scope = grant.set_by = earlier.scope or earlier.set_by
    if grant.limit.quota_max == UNLIMITED:
        grant.limit.quota_renewal_rate = 0
    grant.endpoints = merged_endpoints(earlier.endpoints, grant.endpoints)
    if earlier.definition is not None and earlier.definition.disable_introspection:
        assert grant.definition is not None
        grant.definition = replace(grant.definition, disable_introspection=True)
