"""What a JWT is refused with, for both ways of vouching: statuses and texts of auth.md §3.10."""

from typing import Final

from propylon.errors import Denial

NOT_AUTHORIZED: Final = "Key not authorized"
MISSING: Final = Denial("credential_missing", 400, "Authorization field missing")
UNEXPECTED_METHOD: Final = Denial("jwt_alg_not_allowed", 403, "Key not authorized: Unexpected signing method")
NO_KID: Final = Denial("jwt_kid_missing", 403, NOT_AUTHORIZED)
UNKNOWN_KID: Final = Denial("jwt_unknown_kid", 403, NOT_AUTHORIZED)
NO_SECRET: Final = Denial("jwt_key_has_no_secret", 403, NOT_AUTHORIZED)
UNFIT_SECRET: Final = Denial("jwt_key_unfit", 403, NOT_AUTHORIZED)  # empty, or not of the API's family
UNKNOWN_ISSUER: Final = Denial("jwt_issuer_unknown", 403, NOT_AUTHORIZED)
REPLAYED: Final = Denial("jwt_replayed", 401, "Key not authorized: token has been used before")


def refused(reason: str) -> Denial:
    """J-9: the client learns no more than that; J-7 for an algorithm that is not allowed."""
    return UNEXPECTED_METHOD if reason == UNEXPECTED_METHOD.reason else Denial(reason, 403, NOT_AUTHORIZED)


def objected(reason: str, text: str) -> Denial:
    """J-23: what claims are refused for is said."""
    return Denial(reason, 401, f"{NOT_AUTHORIZED}: {text}")
