"""Access rights as keys and policies write them: which API, which versions and paths, under which limits.

Shapes and their own checks only; how several of them merge is `effective.py`'s.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from propylon.errors import Problem
from propylon.model.endpoint_pattern import ENDPOINT_PATH_MAX_BYTES, pattern_fault
from propylon.model.members import join, mapping


@dataclass(slots=True)
class Smoothing:
    """Tyk's gradual allowance. Read and kept; the rate itself is what is enforced."""

    enabled: bool = False
    threshold: float = 0
    trigger: float = 0
    step: float = 0
    delay: float = 0
    other: Mapping[str, Any] = mapping()


@dataclass(slots=True)
class ApiLimit:
    """All numbers that limit a caller, of one API or at the root. Shared between keys: copy before changing one."""

    IGNORED: ClassVar[frozenset[str]] = frozenset({"set_by_policy"})  # Tyk's note to itself

    rate: float = 0
    per: float = 0
    smoothing: Smoothing | None = None
    throttle_interval: float = 0
    throttle_retry_limit: int = 0
    max_query_depth: int = 0
    quota_max: int = 0
    quota_renews: int = 0
    quota_remaining: int = 0
    quota_renewal_rate: int = 0
    other: Mapping[str, Any] = mapping()

    @property
    def is_empty(self) -> bool:
        """A-11: an empty limit leaves the word to the session's root."""
        return not (
            self.rate
            or self.per
            or self.throttle_interval
            or self.throttle_retry_limit
            or self.max_query_depth
            or self.quota_max
            or self.quota_renews
            or self.quota_remaining
            or self.quota_renewal_rate
        )


@dataclass(slots=True)
class AllowedUrl:
    """A path pattern and the methods it admits."""

    url: str = ""
    methods: Sequence[str] = ()
    other: Mapping[str, Any] = mapping()


@dataclass(slots=True)
class Rate:
    """Requests per seconds."""

    rate: float = 0
    per: float = 0
    other: Mapping[str, Any] = mapping()


@dataclass(slots=True)
class EndpointMethod:
    name: str = ""
    limit: Rate | None = None
    other: Mapping[str, Any] = mapping()


@dataclass(slots=True)
class Endpoint:
    """A path pattern with a rate for each method named."""

    path: str = ""
    methods: Sequence[EndpointMethod] = ()
    other: Mapping[str, Any] = mapping()


@dataclass(slots=True)
class AccessDefinition:
    """What is granted on one API. GraphQL, JSON-RPC and MCP members are carried: APIs of those kinds are not served."""

    api_name: str = ""
    api_id: str = ""
    versions: Sequence[str] = ()
    allowed_urls: Sequence[AllowedUrl] = ()
    restricted_types: Sequence[Any] = ()
    allowed_types: Sequence[Any] = ()
    limit: ApiLimit | None = None
    field_access_rights: Sequence[Any] = ()
    disable_introspection: bool = False
    allowance_scope: str = ""  # computed on use, never believed (P-27, P-28)
    endpoints: Sequence[Endpoint] = ()
    json_rpc_methods: Sequence[Any] = ()
    json_rpc_methods_access_rights: Any = None
    mcp_primitives: Sequence[Any] = ()
    mcp_access_rights: Any = None
    other: Mapping[str, Any] = mapping()

    @property
    def own_limit(self) -> ApiLimit | None:
        """The limit when it says anything."""
        return None if self.limit is None or self.limit.is_empty else self.limit


def rights_problems(rights: Mapping[str, AccessDefinition]) -> Iterator[Problem]:
    """Patterns that could not be matched later."""
    for api_id, access in rights.items():
        path = f"access_rights.{api_id}"
        for index, allowed in enumerate(access.allowed_urls):
            if fault := pattern_fault(allowed.url):
                yield Problem(f"{path}.allowed_urls[{index}].url", "pattern_invalid", fault)
        for index, endpoint in enumerate(access.endpoints):
            if fault := pattern_fault(endpoint.path) or _length_fault(endpoint.path):
                yield Problem(f"{path}.endpoints[{index}].path", "pattern_invalid", fault)


def rights_warnings(rights: Mapping[str, AccessDefinition]) -> Iterator[Problem]:
    """What is valid but hardly meant."""
    for api_id, access in rights.items():
        path = f"access_rights.{api_id}"
        if access.api_id not in ("", api_id):
            text = f'is "{access.api_id}", but the entry stands under "{api_id}", and that is what counts'
            yield Problem(f"{path}.api_id", "api_id_differs", text)
        yield from _method_warnings(access, path)
        if access.limit is not None:
            yield from rate_warnings(access.limit, f"{path}.limit")
            if access.limit.smoothing is not None and access.limit.smoothing.enabled:
                yield Problem(
                    f"{path}.limit.smoothing", "not_honoured", "smoothing is not supported; the rate itself holds"
                )
        for index, endpoint in enumerate(access.endpoints):
            for number, method in enumerate(endpoint.methods):
                if method.limit is not None:
                    yield from rate_warnings(method.limit, f"{path}.endpoints[{index}].methods[{number}].limit")


def rate_warnings(limit: ApiLimit | Rate, path: str) -> Iterator[Problem]:
    """R-1: a rate without its window limits nothing, in Tyk too."""
    if limit.rate > 0 and limit.per <= 0:
        yield Problem(join(path, "per"), "rate_without_per", "is not above 0, so the rate limits nothing; give seconds")


def _method_warnings(access: AccessDefinition, path: str) -> Iterator[Problem]:
    for index, allowed in enumerate(access.allowed_urls):
        where = f"{path}.allowed_urls[{index}].methods"
        if not allowed.methods:
            yield Problem(where, "no_methods", "is empty, so this entry admits nothing; list methods such as GET")
        for method in allowed.methods:
            if method != method.upper():
                text = f'methods are compared exactly and "{method}" is never sent; write {method.upper()}'
                yield Problem(where, "method_case", text)


def _length_fault(path: str) -> str:
    too_long = len(path) > ENDPOINT_PATH_MAX_BYTES
    return f"is longer than {ENDPOINT_PATH_MAX_BYTES} characters, too long to count by" if too_long else ""
