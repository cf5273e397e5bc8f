"""Whether the caller may use this API, version, path and method (A-1 … A-10)."""

from typing import Final

from propylon.errors import Denial
from propylon.exchange import Exchange
from propylon.model.api_definition import ApiDefinition
from propylon.model.endpoint_pattern import allows

DISALLOWED: Final = "Access to this API has been disallowed"
NO_RIGHTS: Final = Denial("no_access_rights", 403, DISALLOWED)
API_NOT_GRANTED: Final = Denial("api_not_granted", 403, DISALLOWED)
VERSION_NOT_GRANTED: Final = Denial("version_not_granted", 403, DISALLOWED)
PATH_NOT_GRANTED: Final = Denial("path_not_granted", 403, "Access to this resource has been disallowed")


class Rights:
    """Reads the caller's session only: a key without any rights opens nothing unless `allow_master_keys` (F-13)."""

    def __init__(self, definition: ApiDefinition, *, allow_master_keys: bool) -> None:
        self._api_id = definition.api_id
        self._version = "" if definition.not_versioned else definition.default_version
        self._allow_master_keys = allow_master_keys

    async def __call__(self, exchange: Exchange) -> Denial | None:
        assert exchange.caller is not None
        rights = exchange.caller.session.access
        access = rights.get(self._api_id)
        if access is None:
            if rights:
                return API_NOT_GRANTED
            return None if self._allow_master_keys else NO_RIGHTS
        if self._version and self._version not in access.versions:
            return VERSION_NOT_GRANTED
        if access.allowed_urls:
            head = exchange.head
            if not allows(access.allowed_urls, head.method, exchange.route_path, head.path):
                return PATH_NOT_GRANTED
        return None
