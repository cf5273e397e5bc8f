"""Names under which secrets travel: of headers, parameters and cookies, whichever of these a request uses.

Some are secret wherever they stand; others an API's definition names, for whatever mode of authentication.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from propylon.model.upstream_headers import spelling_of

ALWAYS: Final = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "sec-websocket-protocol"}
    | {"x-api-key", "api-key", "apikey", "x-apikey", "x-tyk-authorization", "admin-auth", "private-token"}
    | {"token", "access-token", "x-access-token", "auth-token", "x-auth-token", "id-token", "refresh-token", "jwt"}
    | {"x-csrf-token", "x-xsrf-token", "x-amz-security-token", "x-amz-signature", "signature", "sig"}
    | {"password", "client-secret", "client-assertion", "assertion"}
)
# Members of a definition that name a place of a credential, and those whose own members are headers that it adds.
_NAMING: Final = frozenset({"auth_header_name", "param_name", "cookie_name", "header_name", "header"})
_ADDING: Final = frozenset({"add_headers", "global_headers", "global_response_headers"})


def secret_names(document: Mapping[str, Any], target_query: str) -> frozenset[str]:
    """Of one definition, as `spelling_of` has them. Parameters of its target's URL may be its upstream's key."""
    of_target = (pair.partition("=")[0] for pair in target_query.split("&") if pair)
    return ALWAYS | {spelling_of(name) for name in (*_named(document), *of_target)}


def _named(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _named(item)
    elif isinstance(node, Mapping):
        for name, value in node.items():
            if name in _NAMING and isinstance(value, str) and value:
                yield value
            elif name in _ADDING and isinstance(value, Mapping):
                yield from value
            else:
                yield from _named(value)
