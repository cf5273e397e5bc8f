"""Step: one check or change made to an exchange; and what steps are compiled with."""

from typing import NamedTuple, Protocol

from propylon.clock import Clock
from propylon.errors import Denial
from propylon.exchange import Exchange
from propylon.steps.imported_keys import ImportedKeys
from propylon.steps.issuer_keys import IssuerKeys
from propylon.steps.revoked import Revocations
from propylon.stores.ports import Meters
from propylon.telemetry.counters import Counters


class Step(Protocol):
    """Returns a Denial to refuse; never raises one. May raise a Failure when something it needs is broken."""

    async def __call__(self, exchange: Exchange) -> Denial | None: ...


class StepSettings(NamedTuple):
    """The settings that decide; a copy, so that steps know nothing of files and environments."""

    allow_master_keys: bool
    min_token_length: int
    quota_exceeded_status: int
    rate_headers_of_quota: bool  # rate_limit_response_headers = "quotas"
    fixed_windows: bool  # rate_limit_algorithm = "fixed"
    verified_tokens_max: int


class Surroundings(NamedTuple):
    """What a step may reach besides its own config and the exchange."""

    clock: Clock
    meters: Meters
    settings: StepSettings
    counters: Counters
    revocations: Revocations
    issuers: IssuerKeys
    imported: ImportedKeys
