"""Records of exchanges for Tyk's pump, when `pump_url` is set; nothing, and no cost, when it is not.

The encoder and the client of Redis are loaded here on demand: they would lengthen every start of those who do not pump.
"""

import importlib
from typing import Any, Final

from propylon.clock import Clock
from propylon.gateway.traced import Record
from propylon.model.api_definition import ApiDefinition
from propylon.settings import Settings
from propylon.snapshot.follow import Follow
from propylon.usage.recorded import Recorder

DAY_S: Final = 86_400


class Pumping:
    """One per worker."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._queue: Any = None
        self._export: Any = None

    @property
    def lost(self) -> int:
        """Records, so far."""
        return self._export.lost if self._export is not None else 0

    def around(self, record: Record, follow: Follow) -> Record:
        settings = self._settings
        if not settings.pump_url:
            return record

        def definition_of(api_id: str) -> ApiDefinition | None:
            state = follow.snapshot.apis.get(api_id)
            return state.route.definition if state is not None and state.route is not None else None

        queue = importlib.import_module("propylon.stores.pump_queue")
        export = importlib.import_module("propylon.usage.pump_export")
        self._queue = queue.PumpQueue(settings.pump_url, settings.store_timeout_s)
        kept_s = settings.usage_retention_days * DAY_S
        self._export = export.PumpExport(
            record, self._queue, definition_of, self._clock, kept_s, Recorder(follow.definition_of)
        )
        pumped: Record = self._export
        return pumped

    async def flush(self) -> None:
        """Each second. Raises StoreUnavailable: what waits goes on waiting."""
        if self._export is not None:
            await self._export.flush()

    async def end(self) -> None:
        if self._export is not None:
            await self._export.end()
            await self._queue.close()
