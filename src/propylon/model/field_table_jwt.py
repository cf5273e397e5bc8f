"""The rows of the table of fields that speak of JSON Web Tokens. Data only; `field_table` says how rows are read."""

from typing import Final

from propylon.model.field_conditions import CENTRAL, IS_SET, JWT
from propylon.model.field_row import dormant, guard, honoured

KEYS: Final = (
    *honoured("jwt_signing_method", what="`hmac`, `rsa`, `ecdsa`, ours: `eddsa`; optional beside `jwt_issuers`"),
    *honoured("jwt_allowed_algorithms", what="ours: narrows the signing method's family"),
    *honoured("jwt_source", what="a key, or the URL of a key set; empty: each key verifies its own tokens"),
    *honoured("jwt_jwks_uris.**", what="key sets; they come before `jwt_source`"),
    *honoured("jwt_issuers.**", what="ours: whose tokens are taken; they come before both"),
    *honoured("jwt_skip_kid"),
    *honoured("jwt_require_kid", what="ours: a token without `kid` names no key"),
)

CLAIMS: Final = (
    *honoured("jwt_identity_base_field"),
    *honoured("jwt_expires_at_validation_skew", "jwt_issued_at_validation_skew", "jwt_not_before_validation_skew"),
    *dormant(
        "without effect in Tyk too; the skews replaced it",
        "jwt_disable_issued_at_validation",
        "jwt_disable_expires_at_validation",
        "jwt_disable_not_before_validation",
    ),
    *honoured(
        "jwt_allowed_issuers", "jwt_allowed_audiences", "jwt_allowed_subjects", what="ours, as in Tyk's OAS form"
    ),
    *honoured("jwt_jti_validation.enabled", what="ours, as in Tyk's OAS form: a `jti` must be there"),
    *honoured("jwt_jti_validation.once", what="ours: and is good for one request"),
    *honoured("jwt_custom_claim_validation.**", what="ours, as in Tyk's OAS form"),
    *honoured("jwt_require_exp", what="ours: `exp` must be there"),
    *honoured("jwt_lifetime_max_s", what="ours: seconds from `iat` to `exp`, so both must be there"),
    *honoured("jwt_allowed_types", what="ours: of the header's `typ`, such as `at+jwt`"),
    *honoured("jwt_claims_to_headers", what="ours: claims the upstream is told, by header"),
    *honoured("identity_to_headers", what="ours: what the upstream is told of the caller, by header"),
)

POLICIES: Final = (
    *honoured("jwt_policy_field_name", "jwt_default_policies"),
    *guard("jwt_client_base_field", "policies by client id", IS_SET & JWT & CENTRAL),
    *honoured("scopes.jwt.scope_claim_name", "scopes.jwt.scope_to_policy"),
    *dormant("acts only through `use_openid`", "scopes.oidc.**"),
    *honoured("jwt_scope_claim_name", "jwt_scope_to_policy_mapping", what="if `scopes` is empty"),
    *dormant("OAuth clients are not mapped", "idp_client_id_mapping_disabled"),
)

TOKENS: Final = (*KEYS, *CLAIMS, *POLICIES)
