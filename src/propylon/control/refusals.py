"""What each reason says: which check refused or what broke, under which rule, and why. Remedies: `docs/reasons.md`.

Data only. Explain and traces read it; a test holds it to the reasons there are.
"""

from typing import Final, NamedTuple


class Refusal(NamedTuple):
    step: str  # the check, as the steps of an explanation name it
    rule: str  # of the reference, "" where none speaks of it
    because: str


REFUSALS: Final = {
    # which API
    "no_route": Refusal("route", "", "no active API listens on this path; listen paths match whole segments"),
    "definition_guard_unsupported": Refusal("guards", "", "it relies on a guarding field that is not supported"),
    "changed_under_way": Refusal("route", "", "the records it rests on changed three times while it was decided"),
    # who calls
    "credential_missing": Refusal("credential", "T-1", "nothing was sent where the API looks"),
    "credential_ambiguous": Refusal("credential", "T-1", "two credentials that differ were sent"),
    "key_unknown": Refusal("key", "K-5", "no key of the API's organisation has this ID"),
    "key_too_short": Refusal("key", "K-3", "it is shorter than min_token_length"),
    "key_is_identifier": Refusal("key", "K-5", "it is a key's ID, not a credential"),
    "key_retired": Refusal("key", "", "this generation of the key's token is retired"),
    "unknown_keys_throttled": Refusal("key", "", "too many unknown IDs were tried while imported keys wait for theirs"),
    "legacy_hash_taken": Refusal("key", "", "another ID with the same legacy hash was pinned before"),
    "legacy_hash_ambiguous": Refusal("key", "", "several imported keys have the legacy hash of this ID"),
    "legacy_hash_unproven": Refusal("key", "", "an imported key has its legacy hash, which proves too little"),
    "legacy_id_taken": Refusal("key", "", "a key that is not imported has this ID already"),
    "jwt_malformed": Refusal("form", "J-6", "it is not three parts of base64url with JSON objects in two"),
    "jwt_too_large": Refusal("form", "J-6", "it is longer than 8 KiB"),
    "jwt_header_unsupported": Refusal("form", "J-6", "its header asks for compression, encryption or b64: false"),
    "jwt_crit": Refusal("form", "J-6", "its header lists critical members, of which none is known"),
    "jwt_kid_invalid": Refusal("form", "J-17", "its kid is no text, or longer than 512 bytes"),
    "jwt_alg_not_allowed": Refusal("method", "J-7", "its algorithm is not one that API, issuer and key allow"),
    "jwt_alg_unknown": Refusal("method", "J-7", "no algorithm has the name it gives; case counts"),
    "jwt_kid_missing": Refusal("kid", "J-17", "a kid is needed to choose the key, and the token has none"),
    "jwt_unknown_kid": Refusal("key", "J-24", "no key of the API's organisation has the ID it names"),
    "jwt_issuer_unknown": Refusal("issuer", "J-12", "its iss is not one of the API's issuers"),
    "jwks_unavailable": Refusal("key", "J-13", "no key set of the issuer could be had yet"),
    "jwks_kid_unknown": Refusal("key", "J-17", "the issuer's newest key set has no key with this kid"),
    "jwt_key_has_no_secret": Refusal("key", "J-14", "the key it names has no secret to verify with"),
    "jwt_key_unfit": Refusal("key", "J-14", "the secret of the key it names is none for the API's method"),
    "jwt_bad_signature": Refusal("signature", "J-9", "it was signed with another secret or key, or was changed"),
    "jwt_expired": Refusal("times", "J-23a", "it is past its exp"),
    "jwt_issued_in_future": Refusal("times", "J-23a", "its iat lies ahead"),
    "jwt_not_yet_valid": Refusal("times", "J-23a", "its nbf lies ahead"),
    "jwt_exp_missing": Refusal("claims", "J-23b", "it has no exp, and the API demands one"),
    "jwt_iat_missing": Refusal("claims", "J-23b", "it has no iat, and the API bounds lifetimes"),
    "jwt_lifetime_too_long": Refusal("claims", "J-23b", "from its iat to its exp is longer than jwt_lifetime_max_s"),
    "jwt_type_not_allowed": Refusal("claims", "J-23b", "its typ is not one that the API allows"),
    "jwt_issuer_not_allowed": Refusal("claims", "J-23b", "its iss is not one that the API allows"),
    "jwt_audience_not_allowed": Refusal("claims", "J-23b", "none of its audiences is one that the API allows"),
    "jwt_jti_missing": Refusal("claims", "J-23b", "it has no jti, and the API demands one"),
    "jwt_subject_not_allowed": Refusal("claims", "J-23b", "its subject is not one that the API allows"),
    "jwt_custom_claim": Refusal("claims", "J-23b", "a custom claim rule of the API is not kept"),
    "jwt_no_identity": Refusal("identity", "J-22", "no claim says in a text whom it speaks of"),
    "jwt_replayed": Refusal("first use", "", "its jti was used before"),
    # what the caller may do
    "key_revoked": Refusal("revocation", "", "the key was revoked"),
    "token_revoked": Refusal("revocation", "", "the jti of the token was revoked"),
    "subject_revoked": Refusal("revocation", "", "the subject of the token was revoked"),
    "issuer_revoked": Refusal("revocation", "", "the issuer of the token was revoked"),
    "identity_suspended": Refusal("revocation", "", "the identity of the token's subject is suspended"),
    "key_inactive": Refusal("active", "K-20", "the key, or a policy of it, is inactive"),
    "key_expired": Refusal("expiry", "K-21", "the key is past expires"),
    "policy_not_found": Refusal("policies", "P-3", "the key's only policy, or one the token names, is not there"),
    "policy_of_other_org": Refusal("policies", "P-4", "a policy belongs to another organisation"),
    "policy_no_rights": Refusal("policies", "P-7", "the policies grant nothing"),
    "policy_partitions": Refusal("policies", "P-5", "a policy has per_api and another partition"),
    "policies_mixed": Refusal("policies", "P-6", "policies that limit per API stand beside partitioned ones"),
    "default_policy_not_found": Refusal("policies", "J-29", "a default policy of the definition does not exist"),
    "jwt_no_policy": Refusal("policies", "J-32", "the token names no policy and there is no default"),
    "jwt_scope_unmapped": Refusal("policies", "J-31", "its scopes map to no policy; defaults do not rescue that"),
    "jwt_policy_above_ceiling": Refusal("policies", "J-28", "the token asks for a policy above its issuer's ceiling"),
    "no_access_rights": Refusal("access", "A-1", "the key grants nothing, and allow_master_keys is off"),
    "api_not_granted": Refusal("access", "A-2", "its access rights do not name this API"),
    "version_not_granted": Refusal("version", "A-4", "its right on this API does not name this version"),
    "path_not_granted": Refusal("path", "A-6", "no entry of its allowed_urls has this method and path"),
    # how much
    "rate_limited": Refusal("rate", "R-9", "the caller's rate is used up"),
    "api_rate_limited": Refusal("api rate", "R-10", "the rate of the API, all callers together, is used up"),
    "quota_exceeded": Refusal("quota", "Q-4", "the caller's quota is used up"),
    # what broke: the client
    "malformed_request": Refusal("request", "", "the bytes are not one HTTP/1.1 request without doubt"),
    "target_too_long": Refusal("request", "", "its target is longer than target_max_bytes"),
    "head_too_large": Refusal("request", "", "its head is larger than head_max_bytes, or has too many fields"),
    "method_not_served": Refusal("request", "", "CONNECT, TRACE, or not a method"),
    "version_not_served": Refusal("request", "", "neither HTTP/1.0 nor HTTP/1.1"),
    "transfer_coding_not_served": Refusal("request", "", "a transfer coding other than chunked"),
    "request_timeout": Refusal("request", "", "the head or the body stalled"),
    "body_too_large": Refusal("body", "", "its body is larger than request_body_max_bytes"),
    "client_gone": Refusal("reply", "", "the client closed before the end"),
    # … the upstream
    "upstream_failure": Refusal("upstream", "", "something went wrong with the upstream"),
    "upstream_connect_refused": Refusal("upstream", "", "nothing listens there, or it resets"),
    "upstream_connect_timeout": Refusal("upstream", "", "no connection within connect_timeout_s"),
    "upstream_host_not_found": Refusal("upstream", "", "the name of the target does not resolve"),
    "upstream_tls": Refusal("upstream", "", "no TLS with it: certificate or protocol"),
    "upstream_timeout": Refusal("upstream", "", "no head of an answer within upstream_timeout_s"),
    "upstream_reset": Refusal("upstream", "", "the connection ended before the answer did"),
    "malformed_response": Refusal("upstream", "", "its bytes are not one HTTP/1.1 response without doubt"),
    "upstream_pool_exhausted": Refusal("upstream", "", "more than upstream_connections_max connections are in use"),
    # … the gateway
    "store_unavailable": Refusal("stores", "", "records or meters could not answer, and nobody is let in on a guess"),
    "outcome_unknown": Refusal("stores", "", "Redis was asked and did not answer: nobody knows whether it counted"),
    "lookups_exhausted": Refusal("stores", "", "too many look-ups of unknown keys were under way"),
    "meters_full": Refusal("stores", "", "there was no room for a new meter"),
    "control_unavailable": Refusal("control", "", "the control process was not there"),
    "revoked": Refusal("revocation", "", "what let a running exchange in was taken back"),
    "token_expired": Refusal("times", "", "the token that opened a tunnel ran out"),
    "bug": Refusal("gateway", "", "an error nobody foresaw; the log has the traceback"),
    "failure": Refusal("gateway", "", "something broke"),
}
UNNAMED: Final = Refusal("gateway", "", "docs/reasons.md may know more of this reason")


def refusal_of(reason: str) -> Refusal:
    return REFUSALS.get(reason, UNNAMED)
