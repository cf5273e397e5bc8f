"""Session: every member of a key's JSON object, under Tyk's names. Shape only; what it means is said elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from propylon.model.access_definition import AccessDefinition, ApiLimit, Smoothing
from propylon.model.members import mapping, secret, written_if_set


@dataclass(frozen=True, slots=True)
class BasicPassword:
    IGNORED: ClassVar[frozenset[str]] = frozenset({"password_fingerprint"})

    password: str = secret()
    hash_type: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class JwtSecret:
    """What verifies the tokens of this key alone: an HMAC secret or a public key in PEM form."""

    IGNORED: ClassVar[frozenset[str]] = frozenset({"secret_fingerprint"})

    secret: str = secret()
    algorithm: str = ""  # ours: narrows what the secret's family allows; "" = the API's rule


@dataclass(frozen=True, slots=True)
class Monitor:
    trigger_limits: Sequence[float] = ()
    other: Mapping[str, Any] = mapping()


@dataclass(slots=True)
class Session:
    """A key as written. The control plane sets its dates before storing it; nobody writes to one that was read."""

    IGNORED: ClassVar[frozenset[str]] = frozenset({"hmac_string_fingerprint"})
    SECRET_HOLDERS: ClassVar[frozenset[str]] = frozenset({"jwt_data", "hmac_string", "basic_auth_data"})

    last_check: int = 0
    allowance: float = 0
    rate: float = 0
    per: float = 0
    throttle_interval: float = 0
    throttle_retry_limit: int = 0
    max_query_depth: int = 0
    date_created: str = written_if_set()  # an empty one is no RFC 3339 time
    expires: int = 0
    quota_max: int = 0
    quota_renews: int = 0
    quota_remaining: int = 0
    quota_renewal_rate: int = 0
    access_rights: Mapping[str, AccessDefinition] = mapping()
    org_id: str = ""
    oauth_client_id: str = ""
    oauth_keys: Mapping[str, str] = mapping()
    certificate: str = ""
    mtls_static_certificate_bindings: Sequence[str] = ()
    basic_auth_data: BasicPassword = BasicPassword()  # one for all, as most keys have none
    jwt_data: JwtSecret = JwtSecret()
    hmac_enabled: bool = False
    enable_http_signature_validation: bool = False
    hmac_string: str = secret()
    rsa_certificate_id: str = ""
    is_inactive: bool = False
    apply_policy_id: str = ""
    apply_policies: Sequence[str] = ()
    data_expires: int = 0
    monitor: Monitor = Monitor()
    enable_detail_recording: bool = False
    enable_detailed_recording: bool = False
    meta_data: Mapping[str, Any] = mapping()
    tags: Sequence[str] = ()
    alias: str = ""
    last_updated: str = ""
    id_extractor_deadline: int = 0
    session_lifetime: int = 0
    post_expiry_action: str = written_if_set()
    post_expiry_grace_period: int = 0
    smoothing: Smoothing | None = None
    allow_as_token: bool = False  # ours: a key that verifies JWTs may also be presented as a plain token
    other: Mapping[str, Any] = mapping()

    @property
    def policy_ids(self) -> tuple[str, ...]:
        """P-1, P-2: inline policies stand in the place of ids."""
        if self.inline_policies:
            return ()
        if self.apply_policies:
            return tuple(self.apply_policies)
        return (self.apply_policy_id,) if self.apply_policy_id else ()

    @property
    def inline_policies(self) -> Sequence[Mapping[str, Any]]:
        """P-2: `meta_data.policies` counts when it is a list of objects; policy ids there are mere metadata."""
        given = self.meta_data.get("policies")
        return given if isinstance(given, list) and all(isinstance(item, dict) for item in given) else ()


def root_limit(session: Session) -> ApiLimit:
    """The numbers at the root of a key, for the APIs that have none of their own (A-11)."""
    return ApiLimit(
        session.rate,
        session.per,
        session.smoothing,
        session.throttle_interval,
        session.throttle_retry_limit,
        session.max_query_depth,
        session.quota_max,
        session.quota_renews,
        session.quota_remaining,
        session.quota_renewal_rate,
    )
