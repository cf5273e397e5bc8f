"""Route: one API made executable. Frozen; a change compiles another one."""

from typing import Final

from propylon.exchange import NO_API, UNTRACKED, ApiFacts
from propylon.model.api_definition import ApiDefinition
from propylon.snapshot.origin import Origin, origin, unix_origin
from propylon.steps.step import Step

NON_VERSIONED: Final = "Non Versioned"
UNNAMED_VERSION: Final = "Default"


class Route:
    """What `match` answers. `steps` is the whole of what stands between a request and its upstream."""

    __slots__ = (
        "api_id",
        "authority",
        "base_path",
        "definition",
        "facts",
        "is_control",
        "is_recorded",
        "listen_path",
        "listen_pattern",
        "origin",
        "preserve_host",
        "steps",
        "strip",
        "target_path",
        "target_query",
    )

    def __init__(self, api_id: str, listen_path: str, where: Origin, steps: tuple[Step, ...]) -> None:
        self.api_id = api_id
        self.listen_path = listen_path
        self.listen_pattern = ""  # RE2, for a listen path with parameters
        self.origin = where
        self.authority = where.authority
        self.steps = steps
        self.definition: ApiDefinition | None = None
        self.facts = NO_API
        self.preserve_host = False
        self.strip = False
        self.base_path = ""
        self.target_path = "/"  # what is sent when the listen path is all the request had
        self.target_query = ""
        self.is_control = False
        self.is_recorded = False  # whoever calls; else by their key

    def upstream_path(self, path: str) -> str:
        """Joins the target's path and the request's (proxy.md §3.4)."""
        tail = path[1:]
        return f"{self.base_path}/{tail}" if tail else self.target_path


def route_of(definition: ApiDefinition, steps: tuple[Step, ...]) -> Route:
    """The route an API definition describes."""
    target = definition.target
    where = origin(target.host, target.port, tls=target.scheme == "https", tls_verify=definition.target_tls_verify)
    route = Route(definition.api_id, definition.listen_path, where, steps)
    route.definition = definition
    route.facts = facts_of(definition)
    route.is_recorded = definition.records_whole and not definition.do_not_track
    route.listen_pattern = definition.listen_pattern
    route.preserve_host = definition.preserve_host_header
    route.strip = definition.strip_listen_path
    route.target_query = target.query
    route.base_path = target.path.rstrip("/")
    route.target_path = (target.path if definition.disable_strip_slash else route.base_path) or "/"
    return route


def facts_of(definition: ApiDefinition) -> ApiFacts:
    """The version is named as Tyk's analytics name it (analytics.md §2)."""
    if definition.do_not_track:
        return UNTRACKED
    version = NON_VERSIONED if definition.not_versioned else definition.default_version or UNNAMED_VERSION
    return ApiFacts(definition.org_id, version, definition.tags)


def control_route(socket_path: str) -> Route:
    """The way to the control process: no steps, its secret is checked there."""
    route = Route("", "/tyk/", unix_origin(socket_path), ())
    route.is_control = True
    return route
