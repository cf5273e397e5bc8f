"""Policies: what a key may be given by name. Read from JSON with every fault at once, written back whole.

How policies merge with a key is `effective.py`'s.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from re import compile as pattern
from typing import Any, Final, Protocol

from propylon.errors import Problem
from propylon.model.access_definition import (
    AccessDefinition,
    ApiLimit,
    Smoothing,
    rate_warnings,
    rights_problems,
    rights_warnings,
)
from propylon.model.members import Findings, join, mapping, named, read_record, write_record, written_if_set
from propylon.model.session_fields import POLICY_UNHONOURED, class_warnings
from propylon.model.session_record import Session

_ID: Final = pattern(r"[a-zA-Z0-9._~-]+")
_ID_CHARSET: Final = "Invalid Policy ID: Allowed characters: a-z, A-Z, 0-9, ., _, -, ~"
_ID_MISSING: Final = "Unable to create policy without id."
_ID_MAX_BYTES: Final = 128
_ID_UNREACHABLE: Final = f'Invalid Policy ID: at most {_ID_MAX_BYTES} characters, and neither "." nor ".."'  # as a URL


@dataclass(slots=True)
class Partitions:
    """Which of its parts a policy applies; none named means all."""

    quota: bool = False
    rate_limit: bool = False
    complexity: bool = False
    acl: bool = False
    per_api: bool = False
    other: Mapping[str, Any] = mapping()

    @property
    def is_partitioned(self) -> bool:
        """`per_api` alone does not count (P-13)."""
        return self.quota or self.rate_limit or self.complexity or self.acl

    def applies(self, part: str) -> bool:
        return not self.is_partitioned or bool(getattr(self, part))


@dataclass(slots=True)
class Policy:
    """A policy as written; nobody writes to one that was read."""

    record: str = named("_id")
    id: str = ""
    name: str = ""
    org_id: str = ""
    rate: float = 0
    per: float = 0
    quota_max: int = 0
    quota_renewal_rate: int = 0
    throttle_interval: float = 0
    throttle_retry_limit: int = 0
    max_query_depth: int = 0
    access_rights: Mapping[str, AccessDefinition] = mapping()
    hmac_enabled: bool = False
    enable_http_signature_validation: bool = False
    active: bool = True
    is_inactive: bool = False
    tags: Sequence[str] = ()
    key_expires_in: int = 0
    post_expiry_action: str = written_if_set()
    post_expiry_grace_period: int = 0
    partitions: Partitions = field(default_factory=Partitions)
    last_updated: str = ""
    meta_data: Mapping[str, Any] = mapping()
    graphql_access_rights: Any = None
    smoothing: Smoothing | None = None
    # Tyk's dashboard writes these; they are carried.
    access_rights_array: Sequence[Any] = ()
    auth_type: str = written_if_set()
    auth_types: Sequence[Any] = ()
    state: str = written_if_set()
    graphql_enabled: bool = False
    date_created: str = written_if_set()
    other: Mapping[str, Any] = mapping()

    @property
    def limit(self) -> ApiLimit:
        """The numbers at the policy's own level."""
        return ApiLimit(
            rate=self.rate,
            per=self.per,
            smoothing=self.smoothing,
            throttle_interval=self.throttle_interval,
            throttle_retry_limit=self.throttle_retry_limit,
            max_query_depth=self.max_query_depth,
            quota_max=self.quota_max,
            quota_renewal_rate=self.quota_renewal_rate,
        )


class PolicyRow(Protocol):
    """A policy as stored."""

    @property
    def id(self) -> str: ...

    @property
    def org_id(self) -> str: ...

    @property
    def body(self) -> str: ...


def parse_policy(document: object) -> tuple[Policy | None, list[Problem], list[Problem]]:
    """(policy, problems, warnings); no policy when there are problems."""
    findings = Findings()
    policy = read_record(Policy, document, "", findings)
    policy.id = policy.id or policy.record  # P-30
    if not findings.problems:
        findings.problems.extend(_problems(policy))
    if findings.problems:
        return None, findings.problems, findings.warnings
    findings.warnings.extend(_warnings(policy))
    return policy, [], findings.warnings


def policy_to_json(policy: Policy) -> dict[str, Any]:
    return write_record(policy)


def policies_of_rows(rows: Iterable[PolicyRow]) -> list[Policy]:
    """Stored policies were judged when written; one that no longer reads is absent: keys that name it are refused."""
    parsed = ((row, parse_policy(json.loads(row.body))[0]) for row in rows)
    return [replace(policy, id=row.id, org_id=row.org_id) for row, policy in parsed if policy is not None]


def inline_policies(session: Session) -> list[Policy] | Problem:
    """P-2: policies written into the key itself belong to the key's organisation unless they say otherwise."""
    policies: list[Policy] = []
    for document in session.inline_policies:
        policy, problems, _ = parse_policy(document)
        if policy is None:
            return problems[0]
        policies.append(replace(policy, org_id=policy.org_id or session.org_id))
    return policies


def inline_problems(session: Session) -> Iterator[Problem]:
    for index, document in enumerate(session.inline_policies):
        for problem in parse_policy(document)[1]:
            yield problem._replace(path=join(f"meta_data.policies[{index}]", problem.path))


def partitions_fault(policy: Policy) -> str:
    """P-5, in Tyk's words; "" when there is none."""
    is_fault = policy.partitions.per_api and policy.partitions.is_partitioned
    return f"cannot apply policy {policy.id} which has per_api and any of partitions set" if is_fault else ""


def _problems(policy: Policy) -> Iterator[Problem]:
    if not policy.id:
        yield Problem("id", "policy_id_missing", _ID_MISSING)
    elif not _ID.fullmatch(policy.id):
        yield Problem("id", "policy_id_invalid", _ID_CHARSET)
    elif len(policy.id) > _ID_MAX_BYTES or policy.id in (".", ".."):
        yield Problem("id", "policy_id_invalid", _ID_UNREACHABLE)
    if fault := partitions_fault(policy):
        yield Problem("partitions", "policy_partitions", fault)
    yield from rights_problems(policy.access_rights)


def _warnings(policy: Policy) -> Iterator[Problem]:
    yield from rights_warnings(policy.access_rights)
    yield from rate_warnings(policy.limit, "")
    yield from class_warnings(policy, POLICY_UNHONOURED)
    if not policy.active and not policy.is_inactive:
        yield Problem(
            "active", "active_ignored", "has no effect, in Tyk neither; is_inactive: true disables the policy's keys"
        )
    if not policy.access_rights:
        text = "is empty, so a key cannot rest on this policy alone"  # P-7, F-49
        if policy.access_rights_array:
            text = "is empty and access_rights_array is not read; write an object of API id to access right"
        yield Problem("access_rights", "policy_without_rights", text)
    if not policy.partitions.per_api:
        yield from _limits_without_per_api(policy)


def _limits_without_per_api(policy: Policy) -> Iterator[Problem]:
    for api_id, access in policy.access_rights.items():
        if access.own_limit is not None:
            text = "counts only where the policy itself names no number, as partitions.per_api is not set"
            yield Problem(f"access_rights.{api_id}.limit", "limit_needs_per_api", text)
