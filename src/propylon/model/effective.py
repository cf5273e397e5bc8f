"""The session in force: a key's own data under today's policies (P-1 … P-28), computed on use and never stored (F-18).

Pure: who looked up the policies says which were missing. What is shared with the key or its policies is not changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from propylon.errors import Problem
from propylon.model.access_definition import AccessDefinition, ApiLimit, Endpoint
from propylon.model.endpoint_pattern import AllowedPattern, EndpointPattern, allowed_pattern, endpoint_pattern
from propylon.model.limits import is_set
from propylon.model.policy import Policy, inline_policies
from propylon.model.policy_merge import PolicyMerge
from propylon.model.provenance import MergeRecord
from propylon.model.session_fields import guards_of
from propylon.model.session_record import Session, root_limit
from propylon.model.session_terms import OwnPart

OTHER_ORG: Final = "attempting to apply policy from different organisation to key, skipping"
NO_RIGHTS: Final = "key has no valid policies to be applied"


class EffectiveAccess:
    """What a caller may do on one API, and under which limits."""

    __slots__ = ("allowed_urls", "api_id", "definition", "endpoints", "limit", "scope", "versions", "written_endpoints")

    def __init__(
        self, api_id: str, definition: AccessDefinition, endpoints: Sequence[Endpoint], limit: ApiLimit, scope: str
    ) -> None:
        self.api_id = api_id
        self.definition = definition  # the lists as written; its limit, scope and endpoints are not those in force
        self.written_endpoints = endpoints  # in force, as written
        self.versions: Sequence[str] = definition.versions
        self.allowed_urls: tuple[AllowedPattern, ...] = tuple(
            [allowed_pattern(allowed.url, allowed.methods) for allowed in definition.allowed_urls]
        )
        self.endpoints: tuple[EndpointPattern, ...] = tuple([_executable(endpoint) for endpoint in endpoints])
        self.limit = limit  # the numbers in force, the root's where the API has none
        self.scope = scope  # whose counters are used: "" = the key's, else an API's or a policy's (P-27, P-28)


class EffectiveSession:
    """A key as the steps see it. Lives in a worker's cache; nobody writes to it."""

    __slots__ = (
        "access",
        "alias",
        "expires",
        "guards",
        "is_inactive",
        "is_recorded",
        "key",
        "meta_data",
        "org_id",
        "policies",
        "root_limit",
        "skipped_policies",
        "tags",
    )

    def __init__(
        self,
        key: Session,
        policies: Sequence[Policy],
        access: dict[str, EffectiveAccess],
        root: ApiLimit,
        skipped_policies: Sequence[str],
    ) -> None:
        self.key = key  # as written; where `held_by` was used, without the key's own part
        self.policies = tuple(policies)  # those applied, in order
        self.access = access  # by API id; empty = whatever the caller decides about master keys
        self.root_limit = root
        self.skipped_policies = tuple(skipped_policies)  # named by the key, but not there
        self.alias = key.alias
        self.org_id = key.org_id
        self.expires = key.expires
        self.is_inactive = key.is_inactive or any(policy.is_inactive for policy in policies)  # design §10
        self.is_recorded = key.enable_detail_recording or key.enable_detailed_recording  # no policy says it
        self.tags = _merged_tags(key, policies)
        self.meta_data = _merged_meta_data(key, policies)
        self.guards = guards_of(key, self.meta_data)

    @property
    def policy_ids(self) -> tuple[str, ...]:
        return tuple(policy.id for policy in self.policies)

    def held_by(self, own: OwnPart) -> "EffectiveSession":
        """The same for a key of these terms; all that decides is shared between such keys, `key` too."""
        held = EffectiveSession.__new__(EffectiveSession)
        held.key, held.policies, held.access, held.root_limit = self.key, self.policies, self.access, self.root_limit
        held.skipped_policies, held.org_id, held.is_inactive = self.skipped_policies, self.org_id, self.is_inactive
        held.tags, held.guards, held.is_recorded = self.tags, self.guards, self.is_recorded
        held.alias = own.alias or self.alias
        held.expires = own.expires or self.expires
        both = own.meta_data and self.meta_data
        held.meta_data = {**own.meta_data, **self.meta_data} if both else own.meta_data or self.meta_data  # P-10
        return held

    @property
    def session(self) -> Session:
        """The whole as one session, for people and for the Gateway API; made on demand, as requests need none of it."""
        key, policies, root = self.key, self.policies, self.root_limit
        graces = [policy.post_expiry_grace_period for policy in policies if policy.post_expiry_grace_period]
        actions = [policy.post_expiry_action for policy in policies if policy.post_expiry_action]
        merged = replace(
            key,
            access_rights={api_id: _as_definition(access, root) for api_id, access in self.access.items()},
            is_inactive=self.is_inactive,
            tags=self.tags,
            meta_data=self.meta_data,
            last_updated=max([key.last_updated, *(policy.last_updated for policy in policies)]),  # P-11: as texts
            post_expiry_action=[key.post_expiry_action, *actions][-1],
            post_expiry_grace_period=[key.post_expiry_grace_period, *graces][-1],
            hmac_enabled=key.hmac_enabled or any(policy.hmac_enabled for policy in policies),
            enable_http_signature_validation=key.enable_http_signature_validation
            or any(policy.enable_http_signature_validation for policy in policies),
        )
        for name in _ROOT_NUMBERS:
            setattr(merged, name, getattr(root, name))
        return merged


_ROOT_NUMBERS: Final = (
    *("rate", "per", "smoothing", "throttle_interval", "throttle_retry_limit", "max_query_depth"),
    *("quota_max", "quota_renews", "quota_remaining", "quota_renewal_rate"),
)


def effective_session(
    session: Session,
    policies: Sequence[Policy],
    *,
    missing: Sequence[str],
    org_id: str,
    record: MergeRecord | None = None,
) -> EffectiveSession | Problem:
    """`policies` are those that `session.policy_ids` name and exist, in order; `missing` the ids that do not."""
    assert len(policies) + len(missing) == len(session.policy_ids), "every policy the key names was looked up"
    if session.inline_policies:
        inline = inline_policies(session)
        if isinstance(inline, Problem):
            return inline
        policies = inline
    if not policies and not missing:
        return _of_key_alone(session)
    problem = _selection_problem(policies, missing, org_id)
    return _under_policies(session, policies, missing, record) if problem is None else problem


def expires_from_policies(policies: Iterable[Policy], now: float) -> int | None:
    """M-6: when a key made now under these policies ends, None when they do not say; the last that does wins."""
    lives = [policy.key_expires_in for policy in policies if policy.key_expires_in > 0]
    return int(now) + lives[-1] if lives else None


def _selection_problem(policies: Sequence[Policy], missing: Sequence[str], org_id: str) -> Problem | None:
    if missing and not policies and len(missing) == 1:
        return Problem("apply_policies", "policy_not_found", f'policy not found: "{missing[0]}"')  # P-3
    if any(policy.org_id != org_id for policy in policies):
        return Problem("apply_policies", "policy_of_other_org", OTHER_ORG)  # P-4
    return None


def _of_key_alone(session: Session) -> EffectiveSession:
    root = root_limit(session)
    access: dict[str, EffectiveAccess] = {}
    for api_id, definition in session.access_rights.items():
        own = definition.own_limit
        scope = "" if own is None else api_id  # P-27
        access[api_id] = EffectiveAccess(api_id, definition, definition.endpoints, own or root, scope)
    return EffectiveSession(session, (), access, root, ())


def _under_policies(
    session: Session, policies: Sequence[Policy], missing: Sequence[str], record: MergeRecord | None
) -> EffectiveSession | Problem:
    merge = PolicyMerge(session, policies, record)
    for policy in policies:
        problem = merge.add(policy)
        if problem is not None:
            return problem
    grants = merge.finish()
    if not grants:
        return Problem("apply_policies", "policy_no_rights", NO_RIGHTS)  # P-7
    access: dict[str, EffectiveAccess] = {}
    for api_id, grant in grants.items():
        assert grant.definition is not None
        limit = merge.root if grant.limit.is_empty else grant.limit
        access[api_id] = EffectiveAccess(api_id, grant.definition, grant.endpoints, limit, grant.scope)
    return EffectiveSession(session, policies, access, merge.root, missing)


def _executable(endpoint: Endpoint) -> EndpointPattern:
    """A rate or per of 0 says nothing, so the API's own limit holds; -1 lifts it."""
    rates = [(method.name, method.limit) for method in endpoint.methods if method.limit is not None]
    limits = [(name, limit.rate, limit.per) for name, limit in rates if is_set(limit.rate, limit.per)]
    return endpoint_pattern(endpoint.path, limits)


def _merged_tags(session: Session, policies: Sequence[Policy]) -> tuple[str, ...]:
    """P-10: each once, the key's own first."""
    if not any(policy.tags for policy in policies):
        return tuple(session.tags)
    return tuple(dict.fromkeys([*session.tags, *(tag for policy in policies for tag in policy.tags)]))


def _merged_meta_data(session: Session, policies: Sequence[Policy]) -> Mapping[str, Any]:
    """P-10: policies overwrite the key, later ones earlier ones."""
    merged = session.meta_data
    for policy in policies:
        if policy.meta_data:
            merged = {**merged, **policy.meta_data}
    return merged


def _as_definition(access: EffectiveAccess, root: ApiLimit) -> AccessDefinition:
    return replace(
        access.definition,
        limit=None if access.limit is root else access.limit,
        allowance_scope=access.scope,
        endpoints=access.written_endpoints,
    )
