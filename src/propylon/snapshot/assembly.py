"""The parts that decide, put together the same way wherever somebody decides: in a worker, and where explain asks.

What differs is passed in: how records and meters are reached, whose clock it is, and how much may be kept at hand.
"""

from typing import NamedTuple

from propylon.clock import Clock
from propylon.settings import Settings
from propylon.snapshot.compile import Workshop, reference_sources
from propylon.snapshot.follow import Follow
from propylon.snapshot.issuers import Issuers
from propylon.snapshot.renewal import FetchRules, Renewal, lazy_fetch
from propylon.snapshot.stored_keys import StoredKeys
from propylon.steps.imported_keys import Ask, ImportedKeys, ask_nobody
from propylon.steps.issuer_keys import IssuerKeys
from propylon.steps.keyring import Keyring, KeySecrets, PolicyBook
from propylon.steps.revoked import Revocations
from propylon.steps.step import StepSettings, Surroundings
from propylon.stores.ports import FollowedMeters, Lookups, Meters
from propylon.telemetry.counters import Counters


class DecidingParts(NamedTuple):
    follow: Follow
    keyring: Keyring


def deciding_parts(
    settings: Settings,
    secrets: KeySecrets,
    lookups: Lookups,
    meters: FollowedMeters,
    clock: Clock,
    counters: Counters,
    issuers: IssuerKeys | None = None,
    ask: Ask = ask_nobody,
) -> DecidingParts:
    """Not started: `follow.start` reads the first snapshot. Without `issuers` key sets are read and none is fetched."""
    book = PolicyBook()
    keyring = Keyring(
        lookups,
        secrets,
        book,
        counters,
        entries_max=settings.cached_keys_max,
        in_flight_max=settings.lookups_in_flight,
    )
    issuers = issuers or StoredKeys(meters, clock, settings.jwks_stale_max_s)
    imported = ImportedKeys(lookups, meters, ask)
    surroundings = Surroundings(clock, meters, step_settings(settings), counters, Revocations(), issuers, imported)
    workshop = Workshop(
        keyring,
        book,
        surroundings,
        secrets,
        reference_sources(settings),
        settings.default_org_id,
        frozenset(settings.node_tags),
    )
    return DecidingParts(Follow(lookups, meters, workshop), keyring)


def fetching_issuers(settings: Settings, meters: Meters, clock: Clock, counters: Counters) -> Issuers:
    """For live traffic; its owner calls `refresh` every second, and `watch_definitions` for each snapshot."""
    rules = FetchRules(
        settings.jwks_wait_s, settings.jwks_cache_min_s, settings.jwks_cache_max_s, settings.allow_insecure_jwks
    )
    keys = StoredKeys(meters, clock, settings.jwks_stale_max_s)
    return Issuers(keys, Renewal(keys, meters, clock, rules, lazy_fetch(rules), counters), clock)


def step_settings(settings: Settings) -> StepSettings:
    return StepSettings(
        allow_master_keys=settings.allow_master_keys,
        min_token_length=settings.min_token_length,
        quota_exceeded_status=settings.quota_exceeded_status,
        rate_headers_of_quota=settings.rate_limit_response_headers == "quotas",
        fixed_windows=settings.rate_limit_algorithm == "fixed",
        verified_tokens_max=settings.verified_tokens_max,
    )
