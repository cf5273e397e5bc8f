"""What a worker says on `/hello` and `/ready`: that it lives, and whether its node is fit to be sent requests."""

from collections.abc import Callable

from propylon import __version__
from propylon.settings import Settings
from propylon.snapshot.follow import Follow
from propylon.stores.ports import NodeMeters


class StatusPages:
    """One per worker. `node_state` is what the parent knows of the other processes."""

    def __init__(
        self, settings: Settings, follow: Follow, meters: NodeMeters, node_state: Callable[[], dict[str, object]]
    ) -> None:
        self._settings = settings
        self._follow = follow
        self._meters = meters
        self._node_state = node_state
        self.is_draining = False  # set by the worker as it ends

    def hello(self) -> tuple[int, dict[str, object]]:
        return 200, {"status": "pass", "version": __version__, "description": "Propylon"}

    def ready(self) -> tuple[int, dict[str, object]]:
        if self.is_draining:
            return 503, {"status": "error", "message": "Gateway is shutting down"}
        broken = {
            api_id: [problem.message for problem in state.problems]
            for api_id, state in self._follow.snapshot.apis.items()
            if state.problems
        }
        state = self._node_state()
        is_away = self._meters.is_away
        if is_away and self._settings.ready_requires_stores:
            return 503, {"status": "error", "message": "A store is away"}
        status = "degraded" if broken or is_away or state.get("degraded") else "pass"
        details = {
            **state,
            "revision": self._follow.applied,
            "apis": len(self._follow.snapshot.apis),
            "problems": broken,
            "stores": "away" if is_away else "pass",
            "durability": [problem.message for problem in self._meters.troubles.durability],
        }
        return 200, {"status": status, "version": __version__, "description": "Propylon ready", "details": details}
