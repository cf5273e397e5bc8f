"""The table of every field of a classic definition: its class, and when it takes effect (design §7).

Data only; `field_classes` reads it. A path's `*` stands for any name, and a trailing `.**` takes in whatever lies
beneath. A path may have several rows: the first whose condition holds decides, and if none does the value is dormant.

The rule: what is not honoured is a *guard* if without it more gets in, more gets out, or requests go elsewhere; it is
*less* if leaving it out only gives less.
"""

from typing import Final

from propylon.model.field_conditions import (
    ALLOWED_IPS,
    BLOCKED_IPS,
    CACHES,
    EXTENDED,
    HAS_ENTRIES,
    IS_SET,
    JWT,
    KEYED,
    NO_AUTH_CONFIG,
    ONLY_ADDS_HEADERS,
    OTHER_SCHEME,
    OTHER_TARGET,
    PLAIN,
    REMOVES_HEADERS,
    REPLIES,
    SEVERAL_VERSIONS,
    STORED_ELSEWHERE,
    TOKEN,
    VERSION_IN_URL,
    above,
    beside,
    other_than,
    unless,
)
from propylon.model.field_row import Field, dormant, final, guard, honoured, less
from propylon.model.field_table_jwt import TOKENS

VERSION: Final = "version_data.versions.*"
ENDPOINTS: Final = f"{VERSION}.extended_paths"
PLAIN_PATHS: Final = f"{VERSION}.paths"
LISTED: Final = HAS_ENTRIES & EXTENDED
BARE: Final = HAS_ENTRIES & PLAIN

IDENTITY: Final = (
    *honoured("api_id", "org_id", "name", "active", "internal", "tags", "do_not_track"),
    *honoured("guard_opt_outs", what="ours: guards to serve without"),
    *dormant("kept, not read", "id", "_id", "slug", "version_name", "created_at", "updated_at"),
    *dormant("ours: written into answers, dropped when sent", "jwt_mode", "jwt_source_fingerprint"),
    *dormant("a classic definition says false", "is_oas"),
    *honoured("tags_disabled", what="as if `tags` were empty"),
    *guard("expiration", "expiry of the API"),
)

LISTENING: Final = (
    *honoured("proxy.listen_path", "proxy.strip_listen_path"),
    *guard("domain", "a custom domain", IS_SET & unless("domain_disabled")),
    *dormant("switches `domain` off", "domain_disabled"),
    *less("certificates.**", "certificates of the custom domain"),
    *guard("listen_port", "a port of its own", above(0)),
    *guard("protocol", "a protocol of its own", other_than("http")),
    *dormant("acts only through `listen_port`", "enable_proxy_protocol"),
    *guard("application_protocol", "an application protocol (MCP)", other_than("http")),
    *dormant("acts only through `application_protocol`", "json_rpc_version"),
)

UPSTREAM: Final = (
    *final("proxy.target_url", "a target other than HTTP", OTHER_SCHEME),
    *honoured("proxy.target_url"),
    *honoured("proxy.preserve_host_header", "proxy.disable_strip_slash"),
    *honoured("proxy.transport.ssl_insecure_skip_verify"),
    *guard("proxy.transport.ssl_min_version", "TLS 1.3 only", above(771)),
    *dormant("newer versions are used where the upstream has them", "proxy.transport.ssl_max_version"),
    *guard("proxy.transport.ssl_ciphers.**", "a choice of ciphers"),
    *guard("proxy.transport.ssl_force_common_name_check", "the common name check"),
    *guard("proxy.transport.proxy_url", "an HTTP proxy before the upstream"),
    *guard("proxy.enable_load_balancing", "load balancing over targets that leave out `target_url`", OTHER_TARGET),
    *less("proxy.enable_load_balancing", "load balancing; all goes to `target_url`"),
    *dormant("acts only through `enable_load_balancing`", "proxy.target_list.**"),
    *less(
        "proxy.check_host_against_uptime_tests",
        "skipping hosts that are down",
        IS_SET & beside("enable_load_balancing"),
    ),
    *dormant("stands under `proxy`", "check_host_against_uptime_tests"),
    *guard("proxy.service_discovery.use_discovery_service", "service discovery"),
    *dormant("acts only through `use_discovery_service`", "proxy.service_discovery.**"),
    *less("uptime_tests.check_list.**", "uptime tests", HAS_ENTRIES & unless("disabled")),
    *dormant("acts only through `check_list`", "uptime_tests.**"),
    *guard(
        "upstream_certificates.**",
        "client certificates for the upstream",
        IS_SET & unless("upstream_certificates_disabled"),
    ),
    *dormant("switches `upstream_certificates` off", "upstream_certificates_disabled"),
    *guard("pinned_public_keys.**", "certificate pinning", IS_SET & unless("certificate_pinning_disabled")),
    *dormant("switches `pinned_public_keys` off", "certificate_pinning_disabled"),
    *guard("upstream_auth.enabled", "a credential for the upstream in place of the client's"),
    *dormant("acts only through `enabled`", "upstream_auth.**"),
    *guard("request_signing.is_enabled", "request signing in place of the client's credential"),
    *dormant("acts only through `is_enabled`", "request_signing.**"),
)

AUTHENTICATION: Final = (
    *honoured("use_keyless", what="wins over every other mode"),
    *final("use_standard_auth", "two authentication modes at once", IS_SET & JWT),
    *honoured("use_standard_auth"),
    *honoured("enable_jwt", "strip_auth_data", "base_identity_provided_by"),
    *final("use_basic_auth", "basic authentication", IS_SET & KEYED),
    *dormant("acts only through `use_basic_auth`", "basic_auth.**"),
    *final("use_oauth2", "OAuth 2.0", IS_SET & KEYED),
    *dormant("acts only through `use_oauth2`", "oauth_meta.**", "notifications.**"),
    *final("external_oauth.enabled", "external OAuth", IS_SET & KEYED),
    *dormant("acts only through `enabled`", "external_oauth.**"),
    *final("use_openid", "OpenID Connect", IS_SET & KEYED),
    *dormant("acts only through `use_openid`", "openid_options.**"),
    *final("enable_signature_checking", "HTTP signatures", IS_SET & KEYED),
    *dormant("acts only through `enable_signature_checking`", "hmac_allowed_algorithms.**", "hmac_allowed_clock_skew"),
    *final("enable_coprocess_auth", "authentication by a plugin", IS_SET & KEYED),
    *final("use_go_plugin_auth", "authentication by a plugin", IS_SET & KEYED),
    *final("custom_plugin_auth_enabled", "authentication by a plugin", IS_SET & KEYED),
    *final("use_mutual_tls_auth", "client certificates", IS_SET),
    *dormant("acts only through `use_mutual_tls_auth`", "client_certificates.**"),
    *dormant("of OpenAPI definitions", "security_requirements.**"),
    *guard("auth_provider.**", "keys in another store", STORED_ELSEWHERE),
    *guard("session_provider.**", "sessions in another store", STORED_ELSEWHERE),
    *guard("session_lifetime", "the end of a key's life in the store", above(0) & KEYED),
    *dormant("acts only through `session_lifetime`", "session_lifetime_respects_key_expiration"),
)

_SOURCE_FIELDS: Final = ("auth_header_name", "disable_header", "use_param", "param_name", "use_cookie", "cookie_name")
CREDENTIAL: Final = (
    *honoured(*(f"auth_configs.*.{name}" for name in _SOURCE_FIELDS), what="of the types `authToken` and `jwt`"),
    *honoured(*(f"auth.{name}" for name in _SOURCE_FIELDS), what="for types that `auth_configs` leaves out"),
    *dormant("kept, not read", "auth_configs.*.name", "auth.name"),
    *dormant(
        "acts for the type `authToken` only", "auth_configs.*.use_certificate", "auth_configs.*.validate_signature"
    ),
    *dormant("acts only through `validate_signature`", "auth_configs.*.signature.**", "auth.signature.**"),
    *honoured(*(f"auth_configs.authToken.{name}" for name in _SOURCE_FIELDS)),
    *dormant("kept, not read", "auth_configs.authToken.name"),
    *final("auth_configs.authToken.use_certificate", "certificates as tokens", IS_SET & TOKEN),
    *final("auth_configs.authToken.validate_signature", "token signatures", IS_SET & TOKEN),
    *dormant("acts only through `validate_signature`", "auth_configs.authToken.signature.**"),
    *final("auth.use_certificate", "certificates as tokens", IS_SET & TOKEN & NO_AUTH_CONFIG),
    *final("auth.validate_signature", "token signatures", IS_SET & TOKEN & NO_AUTH_CONFIG),
)

LIMITS: Final = (
    *honoured("disable_rate_limit", "disable_quota"),
    *honoured("global_rate_limit.rate", "global_rate_limit.per", "global_rate_limit.disabled"),
    *honoured("dont_set_quota_on_create", what="for keys whose APIs all have it"),
    *guard("allowed_ips.**", "the list of allowed addresses", ALLOWED_IPS),
    *guard("blacklisted_ips.**", "the list of blocked addresses", BLOCKED_IPS),
    *dormant("switches the lists of addresses", "enable_ip_whitelisting", "enable_ip_blacklisting"),
    *dormant("switches the lists of addresses", "ip_access_control_disabled"),
)

VERSIONS: Final = (
    *guard("definition.enabled", "versions as APIs of their own"),
    *guard("definition.location", "a version in the path, which would travel on", VERSION_IN_URL),
    *dormant("acts only with several versions", "definition.**"),
    *honoured("version_data.not_versioned", "version_data.default_version", f"{VERSION}.name"),
    *guard("version_data.versions", "a choice of versions", SEVERAL_VERSIONS),
    *guard(f"{VERSION}.expires", "expiry of the version", other_than("-1")),
    *guard(f"{VERSION}.override_target", "a target of the version"),
    *honoured(f"{VERSION}.use_extended_paths", what="chooses `extended_paths` or `paths`"),
    *dormant("lists that it would loosen are not served", f"{VERSION}.ignore_endpoint_case", "ignore_endpoint_case"),
    *less(f"{VERSION}.global_headers.**", "added request headers", IS_SET & unless("global_headers_disabled")),
    *guard(
        f"{VERSION}.global_headers_remove.**", "removed request headers", IS_SET & unless("global_headers_disabled")
    ),
    *less(
        f"{VERSION}.global_response_headers.**",
        "added response headers",
        IS_SET & unless("global_response_headers_disabled"),
    ),
    *guard(
        f"{VERSION}.global_response_headers_remove.**",
        "removed response headers",
        IS_SET & unless("global_response_headers_disabled"),
    ),
    *guard(f"{VERSION}.global_size_limit", "a limit of request size", above(0) & unless("global_size_limit_disabled")),
    *less(
        f"{VERSION}.global_enforce_timeout", "an enforced timeout", IS_SET & unless("global_enforce_timeout_disabled")
    ),
    *dormant(
        "switches headers off", f"{VERSION}.global_headers_disabled", f"{VERSION}.global_response_headers_disabled"
    ),
    *dormant("switches the size limit off", f"{VERSION}.global_size_limit_disabled"),
    *dormant("switches the timeout off", f"{VERSION}.global_enforce_timeout_disabled"),
)

PATHS: Final = (
    *guard(f"{PLAIN_PATHS}.white_list.**", "the list of allowed paths", BARE),
    *guard(f"{PLAIN_PATHS}.black_list.**", "the list of blocked paths", BARE),
    *less(f"{PLAIN_PATHS}.ignored.**", "paths without authentication; they need it", BARE & KEYED),
    *guard(f"{ENDPOINTS}.*.**", "an endpoint rule that is not known", LISTED),
    *guard(f"{ENDPOINTS}.white_list.**", "the list of allowed paths", LISTED),
    *guard(f"{ENDPOINTS}.black_list.**", "the list of blocked paths", LISTED),
    *guard(f"{ENDPOINTS}.ignored.**", "replies in place of the upstream's", REPLIES & EXTENDED),
    *less(f"{ENDPOINTS}.ignored.**", "paths without authentication; they need it", LISTED & KEYED),
    *guard(f"{ENDPOINTS}.internal.**", "internal endpoints", LISTED),
    *guard(f"{ENDPOINTS}.mock_response.**", "mock responses", LISTED),
    *guard(f"{ENDPOINTS}.url_rewrites.**", "URL rewrites", LISTED),
    *guard(f"{ENDPOINTS}.method_transforms.**", "changed methods", LISTED),
    *guard(f"{ENDPOINTS}.transform.**", "changed request bodies", LISTED),
    *guard(f"{ENDPOINTS}.transform_response.**", "changed response bodies", LISTED),
    *guard(f"{ENDPOINTS}.transform_jq.**", "changed request bodies", LISTED),
    *guard(f"{ENDPOINTS}.transform_jq_response.**", "changed response bodies", LISTED),
    *guard(f"{ENDPOINTS}.transform_headers.**", "removed request headers", REMOVES_HEADERS & EXTENDED),
    *less(f"{ENDPOINTS}.transform_headers.**", "added request headers", LISTED),
    *guard(f"{ENDPOINTS}.transform_response_headers.**", "removed response headers", REMOVES_HEADERS & EXTENDED),
    *less(f"{ENDPOINTS}.transform_response_headers.**", "added response headers", LISTED),
    *guard(f"{ENDPOINTS}.validate_json.**", "validation of JSON bodies", LISTED),
    *guard(f"{ENDPOINTS}.size_limits.**", "limits of request size", LISTED),
    *guard(f"{ENDPOINTS}.rate_limit.**", "rate limits of endpoints", LISTED),
    *guard(f"{ENDPOINTS}.virtual.**", "virtual endpoints", LISTED),
    *guard(f"{ENDPOINTS}.go_plugin.**", "plugins of endpoints", LISTED),
    *guard(f"{ENDPOINTS}.persist_graphql.**", "GraphQL queries as endpoints", LISTED),
    *less(f"{ENDPOINTS}.hard_timeouts.**", "enforced timeouts", LISTED),
    *less(f"{ENDPOINTS}.circuit_breakers.**", "circuit breakers", LISTED),
    *honoured(f"{ENDPOINTS}.track_endpoints.**", what="told apart by usage"),
    *honoured(f"{ENDPOINTS}.do_not_track_endpoints.**", what="left out of usage"),
    *dormant("acts only through `cache_options`", f"{ENDPOINTS}.cache.**", f"{ENDPOINTS}.advance_cache_config.**"),
)

MIDDLEWARE: Final = (
    *less("CORS.enable", "CORS"),
    *dormant("acts only through `enable`", "CORS.**"),
    *less("cache_options.enable_cache", "the response cache", CACHES),
    *dormant("acts only through `enable_cache`", "cache_options.**"),
    *less("enable_batch_request_support", "batch requests"),
    *less("event_handlers.events.**", "event handlers"),
    *dormant("acts only through `events`", "event_handlers.**"),
    *less("response_processors.**", "added response headers", ONLY_ADDS_HEADERS),
    *guard("response_processors.**", "changed responses"),
    *guard("custom_middleware.pre.**", "plugins", HAS_ENTRIES),
    *guard("custom_middleware.post.**", "plugins", HAS_ENTRIES),
    *guard("custom_middleware.post_key_auth.**", "plugins", HAS_ENTRIES),
    *guard("custom_middleware.response.**", "plugins", HAS_ENTRIES),
    *less("custom_middleware.traffic_logs.**", "plugins for traffic logs", HAS_ENTRIES),
    *dormant("acts only through the plugin flags of authentication", "custom_middleware.auth_check.**"),
    *dormant(
        "acts only with a plugin", "custom_middleware.driver", "custom_middleware.id_extractor.**", "config_data.**"
    ),
    *dormant("acts only with a plugin", "config_data_disabled"),
    *guard("custom_middleware_bundle", "a bundle of plugins", IS_SET & unless("custom_middleware_bundle_disabled")),
    *dormant("switches the bundle off", "custom_middleware_bundle_disabled"),
    *dormant("acts only through rules that are not served", "enable_context_vars"),
    *guard("error_overrides.**", "other texts for errors", IS_SET & unless("error_overrides_disabled")),
    *dormant("switches `error_overrides` off", "error_overrides_disabled"),
    *guard("graphql.enabled", "GraphQL"),
    *dormant("acts only through `enabled`", "graphql.**"),
    *less("tag_headers.**", "usage tags from headers"),
    *less("expire_analytics_after", "an age limit for usage", above(0)),
    *honoured("enable_detailed_recording", what="heads and the beginning of bodies; not with `do_not_track`"),
    *less("analytics_plugin.enable", "a plugin for usage"),
    *dormant("acts only through `enable`", "analytics_plugin.**"),
    *less("detailed_tracing", "detailed tracing"),
)

FIELDS: Final[tuple[Field, ...]] = (
    *IDENTITY,
    *LISTENING,
    *UPSTREAM,
    *AUTHENTICATION,
    *CREDENTIAL,
    *TOKENS,
    *LIMITS,
    *VERSIONS,
    *PATHS,
    *MIDDLEWARE,
)
