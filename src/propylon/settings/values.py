"""Settings: every value one process needs to start, frozen.

Opens no store and no socket. What operators edit while the gateway runs is a definition, never a setting.
A setting needs a reader, a reason (its docstring, which is its line in `docs/settings.md`) and a test that observes it.
"""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from propylon.settings.checks import (
    LMDB,
    MAKE_SECRET,
    POSTGRES,
    REDIS,
    SQLITE,
    Command,
    Count,
    CountOrNone,
    FileOrFolder,
    Folder,
    Grace,
    MapBytes,
    MetersUrl,
    Names,
    PumpUrl,
    QuotaStatus,
    RecordsUrl,
    Role,
    RootSecret,
    Seconds,
)
from propylon.settings.listening import ListenSettings
from propylon.settings.tracing import TracingSettings


class Settings(TracingSettings, ListenSettings):
    """Made by `load_settings` and passed in everywhere: nothing else reads the environment."""

    data_dir: Path = Path(".propylon")
    """Folder of everything kept on this machine; relative paths start at the working directory."""
    records_url: RecordsUrl = ""
    """Empty: SQLite in `data_dir`. `sqlite+aiosqlite:///PATH`: elsewhere. `postgresql+asyncpg://…`: of a fleet."""
    meters_url: MetersUrl = ""
    """Empty: LMDB in `data_dir`. `lmdb://FOLDER`: elsewhere. `redis://…` and its kin: shared by a fleet."""
    require_durable_meters: bool = False
    """Refuse to start on a Redis that may forget counters: no append-only file, or one that evicts. Else it warns."""
    store_timeout_s: Seconds = 2
    """Time for an answer of PostgreSQL or Redis; past it the store counts as away."""
    follow_interval_s: Grace = 0.25
    """Fleet: how late a change may reach who is let in and has no limit at all. 0: Redis is asked for each of them."""
    quota_outage: Literal["refuse", "allow"] = "refuse"
    """Quotas while Redis is away: `refuse`, or `allow` uncounted. Rates are counted by each node, by its share."""
    outage_grace_s: Grace = 30
    """How long a node serves by what it knows while PostgreSQL and Redis are both away. 0: not at all."""
    ready_requires_stores: bool = False
    """`/ready` is 503 while a store is away, as Tyk's is. Otherwise `degraded`, as long as the node can serve."""
    root_secret_command: Command = ""
    """Command that prints the root secret, in place of `root_secret`; run at each start, without a shell."""
    root_secret: RootSecret = SecretStr("")
    """Seals what the records hold; at least 43 characters. Empty: it is made in `data_dir`, if they are there."""
    root_secret_other_command: Command = ""
    """The same for `root_secret_other`."""
    root_secret_other: RootSecret = SecretStr("")
    """Opens what it sealed and seals nothing: the next or the last one, during a change of it (`docs/backup.md`)."""
    meters_map_bytes: MapBytes = 256 * 1024**2
    """Room for counters, allocated at start so that a full disk cannot stop the counting later."""
    usage_map_bytes: MapBytes = 64 * 1024**2
    """Room for usage that waits to be drained; when it is full the oldest goes, counted."""
    usage_retention_days: Count = 90
    """How long hours of usage, the request log and identities are kept, so that they do not fill the disk."""
    usage_minutes_retention_days: Count = 7
    """How long usage is kept by the minute; hours stay `usage_retention_days`."""
    usage_days_retention_days: Count = 800
    """How long usage is kept by the day: two years can be compared."""
    request_log_entries_max: Count = 2_000_000
    """How many entries the request log keeps, some 300 bytes each; beyond it the oldest go."""
    pump_url: PumpUrl = ""
    """Redis (`redis://`, `rediss://`) that Tyk's pump empties: each exchange becomes one of its records there."""

    app_path: Folder = None
    """Folder of API definition files; the Gateway API does not change what a file owns."""
    policy_path: FileOrFolder = None
    """Folder of policy files, or one file with a policy, a list or a map of them; a file owns what it holds."""
    files_path: Folder = None
    """Folder that `file://` in definitions may read from. By default a definition reads no file here."""
    default_org_id: str = Field("default", min_length=1)
    """Organisation of whatever names none, so that everything has an owner."""
    strict_definitions: bool = False
    """Refuse definitions with fields that have an effect we do not honour; otherwise they are warned about."""

    role: Role = "all"
    """What this node runs: `gateway` serves traffic, `control` the Gateway API and what is repeated, `all` both."""
    node_tags: Names = ()
    """Serve only APIs that share one of these tags, so that nodes of a fleet may differ. Unset: all."""
    workers: Count = Field(default_factory=lambda: os.cpu_count() or 1)
    """Gateway processes; one per core by default, as more only adds switching between them."""
    worker_stall_s: Seconds = 5
    """A worker silent for so long is killed and replaced: it may hold a lock that the others need."""
    drain_timeout_s: Seconds = 30
    """How long running exchanges may take to end when the gateway stops."""

    connections_max: Count = 10_000
    """Client connections per worker; bounds memory and file descriptors."""
    head_timeout_s: Seconds = 10
    """Time to send a request head once it has begun; a slow one would hold a connection for nothing."""
    body_timeout_s: Seconds = 30
    """Longest pause between two pieces of a request body, and in taking the answer's."""
    idle_timeout_s: Seconds = 75
    """How long a client connection may wait for its next request; above the 60 s common in load balancers."""
    head_max_bytes: int = Field(32_768, ge=1024, le=1024**2)
    """Size of a head; a larger one is 431, from an upstream 502. Bounds memory per connection."""
    head_fields_max: int = Field(100, ge=8, le=10_000)
    """Fields in a head; more is 431, from an upstream 502. Bounds work per request."""
    target_max_bytes: int = Field(8192, ge=64, le=1024**2)
    """Size of a request target; a longer one is 414. RFC 9112 section 3 asks for at least 8000."""
    request_body_max_bytes: CountOrNone = 0
    """Size of a request body; a larger one is 413. 0 is no limit: bodies are streamed, never held whole."""

    connect_timeout_s: Seconds = 5
    """Time to connect to an upstream, TLS included; a dead host should not hold a client for long."""
    upstream_timeout_s: Seconds = 30
    """Time until the head of the upstream's answer; the default of Tyk's `proxy_default_timeout`."""
    upstream_idle_timeout_s: Seconds = 60
    """Age at which an idle upstream connection is closed; below the 75 s common in servers, so that we close first."""
    upstream_idle_max: CountOrNone = 128
    """Idle connections kept per origin and worker; bounds file descriptors on both sides."""
    upstream_connections_max: Count = 1024
    """Connections per origin and worker; past it 503, so that one slow origin cannot take all of a worker."""

    lookups_in_flight: Count = 64
    """Key look-ups under way per worker; past it 503 for unknown keys, so that a flood of them spares the rest."""
    cached_keys_max: Count = 50_000
    """Keys that a worker keeps at hand; bounds memory."""
    verified_tokens_max: Count = 10_000
    """Verified tokens kept per API and worker; saves the check of the signature, never that of revocation."""
    jwks_wait_s: Seconds = 5
    """Time to fetch an issuer's key set, and what a request waits for it at most; past it 403 `jwks_unavailable`."""
    jwks_cache_min_s: Seconds = 30
    """A key set is not fetched more often for its age, whatever its Cache-Control says; spares the issuer."""
    jwks_cache_max_s: Seconds = 3600
    """A key set is not kept longer without asking again: how long a key that was withdrawn may still verify."""
    jwks_stale_max_s: Seconds = 86_400
    """How long beyond that the last good set serves while its issuer does not answer; rides out a bad day of theirs."""
    allow_insecure_jwks: bool = False
    """Fetch key sets over plain http and from loopback and private addresses: for issuers within, or for a test."""
    min_token_length: Count = 3
    """Shorter custom key IDs are refused; Tyk's default."""
    keys_upsert: bool = False
    """POST replaces an existing key, as in Tyk. Otherwise it is 409: no key is overwritten by accident."""
    legacy_pin_on_first_use_until: CountOrNone = 0
    """Unix time until which an imported key with a 32-bit hash takes the first ID that fits. 0: never, as many do."""
    allow_master_keys: bool = False
    """Keys without access rights open every API, as Tyk allows. Otherwise they open none."""
    streams_outlive_revocation: bool = False
    """Running exchanges of a revoked key go on to their end. Otherwise they are cut within a second."""

    rate_limit_algorithm: Literal["sliding", "fixed"] = "sliding"
    """`sliding`: never more than the rate in any window. `fixed`: in each aligned window, twice that across two."""
    rate_limit_response_headers: Literal["quotas", "rate_limits"] = "quotas"
    """What the X-RateLimit-* fields describe: `quotas` (Tyk's default) or `rate_limits`."""
    quota_exceeded_status: QuotaStatus = 403
    """403 as in Tyk, or 429 for clients that wait and try again on it."""
    hide_generator_header: bool = False
    """Leave X-Generator out of error answers."""

    request_log_per_s: CountOrNone = 50
    """Successful exchanges logged singly per second and worker; the others are counted only."""
    refusal_log_per_s: CountOrNone = 200
    """Refusals and 5xx logged singly per second and worker; bounds what an attacker can make us write."""
    recorded_body_max_bytes: int = Field(4096, ge=0, le=16_384)
    """How much of each body is kept where exchanges are recorded whole. 0: heads alone."""
    access_log: Literal["refusals", "all", "off"] = "refusals"
    """JSON lines on stderr: `refusals` and 5xx, as far as they are logged singly; `all`: one of every exchange."""

    page_size: int = Field(10, ge=1, le=1000)
    """Entries on one page of the dashboard API's lists; Tyk's default."""

    @field_validator("jwks_cache_max_s")
    @classmethod
    def _check_jwks_cache(cls, longest: float, info: ValidationInfo) -> float:
        if longest < info.data.get("jwks_cache_min_s", 0):
            raise ValueError("is below jwks_cache_min_s; raise it or lower that")
        return longest

    @field_validator("root_secret")
    @classmethod
    def _check_root_secret(cls, secret: SecretStr, info: ValidationInfo) -> SecretStr:
        url, folder = info.data.get("records_url"), info.data.get("data_dir")
        if _given(secret, info) or not url or folder is None:
            return secret
        if url.startswith(POSTGRES) or Path(url.removeprefix(SQLITE)).resolve().parent != folder.resolve():
            raise ValueError(f"is needed when the records are not in data_dir; {MAKE_SECRET}")
        return secret

    @field_validator("root_secret_other")
    @classmethod
    def _check_other_root_secret(cls, secret: SecretStr, info: ValidationInfo) -> SecretStr:
        text, current = secret.get_secret_value(), info.data.get("root_secret")
        if _given(secret, info) and text and current is not None and text == current.get_secret_value():
            raise ValueError("is root_secret itself; unset it, or give the one before or the next")
        return secret

    @field_validator("role")
    @classmethod
    def _check_role(cls, role: Role, info: ValidationInfo) -> Role:
        """The two halves of a fleet meet in the stores alone."""
        records, meters = info.data.get("records_url", POSTGRES), info.data.get("meters_url", REDIS[0])
        if role != "all" and not (records.startswith(POSTGRES) and meters.startswith(REDIS)):
            raise ValueError("needs a records_url of PostgreSQL and a meters_url of Redis; set them or write all")
        return role

    @property
    def has_postgres(self) -> bool:
        return self.records_url.startswith(POSTGRES)

    @property
    def has_redis(self) -> bool:
        return self.meters_url.startswith(REDIS)

    @property
    def records_path(self) -> Path:
        """The SQLite file of the records."""
        return Path(self.records_url.removeprefix(SQLITE)) if self.records_url else self.data_dir / "records.db"

    @property
    def meters_dir(self) -> Path:
        """The folder of the LMDB environments; with Redis, of those that a node counts in while it is away."""
        return Path(self.meters_url.removeprefix(LMDB)) if self.meters_url.startswith(LMDB) else self.data_dir

    def root_secret_text(self) -> str:
        """ "" when a command gives it, or it is to be made, or read, in `data_dir`."""
        return self.root_secret.get_secret_value()

    def other_root_secret_text(self) -> str:
        """ "" when a command gives it, or there is none."""
        return self.root_secret_other.get_secret_value()


def _given(secret: SecretStr, info: ValidationInfo) -> bool:
    """Whether a root secret is given by value or by command; by both is an error."""
    command = info.data.get(f"{info.field_name}_command", "")
    if command and secret.get_secret_value():
        raise ValueError(f"{info.field_name}_command is set too; keep one of them")
    return bool(command or secret.get_secret_value())
