"""How the lists of several policies unite on one API: versions, paths, endpoint rates (P-14, P-16).

Pure: what policies and keys wrote is shared and never changed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from propylon.model.access_definition import AccessDefinition, AllowedUrl, ApiLimit, Endpoint, EndpointMethod, Rate
from propylon.model.limits import interval, is_set


def united(held: AccessDefinition | None, entry: AccessDefinition) -> AccessDefinition:
    """P-14. GraphQL and MCP members are carried: lists united, of two objects the first."""
    if held is None:
        return entry
    return replace(
        held,
        versions=_union(held.versions, entry.versions),
        allowed_urls=merged_allowed_urls(held.allowed_urls, entry.allowed_urls),
        restricted_types=_union(held.restricted_types, entry.restricted_types),
        allowed_types=_union(held.allowed_types, entry.allowed_types),
        field_access_rights=_union(held.field_access_rights, entry.field_access_rights),
        disable_introspection=held.disable_introspection or entry.disable_introspection,
        json_rpc_methods=_union(held.json_rpc_methods, entry.json_rpc_methods),
        mcp_primitives=_union(held.mcp_primitives, entry.mcp_primitives),
    )


def merged_allowed_urls(first: Iterable[AllowedUrl], second: Iterable[AllowedUrl]) -> Sequence[AllowedUrl]:
    """Methods are united per identical URL text; an empty list admits nothing of its own beside one that is not."""
    methods: dict[str, Sequence[str]] = {}
    for allowed in (*first, *second):
        methods[allowed.url] = _union(methods.get(allowed.url, ()), allowed.methods)
    return tuple(AllowedUrl(url, names) for url, names in methods.items())


def merged_endpoints(first: Sequence[Endpoint], second: Sequence[Endpoint]) -> Sequence[Endpoint]:
    """P-16: for each method of a path the more frequent rate; of two equal ones the larger."""
    if not first or not second:
        return first or second
    rates: dict[str, dict[str, Rate]] = {}
    for endpoint in (*first, *second):
        methods = rates.setdefault(endpoint.path, {})
        for method in endpoint.methods:
            name, offered = method.name.upper(), method.limit
            if offered is not None and (name not in methods or _is_better(offered, methods[name])):
                methods[name] = offered
    return tuple(
        Endpoint(path, tuple(EndpointMethod(name, rate) for name, rate in methods.items()))
        for path, methods in rates.items()
    )


def _is_better(offered: Rate, held: Rate) -> bool:
    if interval(offered.rate, offered.per) == interval(held.rate, held.per):
        return offered.rate > held.rate
    return is_faster(offered, held)


def _union(first: Sequence[Any], second: Sequence[Any]) -> Sequence[Any]:
    """In order of appearance, each once; items may be JSON objects."""
    return (*first, *(item for index, item in enumerate(second) if item not in first and item not in second[:index]))


def is_faster(first: ApiLimit | Rate, second: ApiLimit | Rate) -> bool:
    if not is_set(first.rate, first.per):
        return False
    return not is_set(second.rate, second.per) or interval(first.rate, first.per) < interval(second.rate, second.per)
