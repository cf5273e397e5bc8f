"""ClaimRules: what a definition asks of a token's claims beyond its times (J-23b). Judges none."""

from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, get_args

from propylon.errors import Problem
from propylon.model.document_reader import DocumentReader

CUSTOM: Final = "jwt_custom_claim_validation"
JTI: Final = "jwt_jti_validation"

ClaimTest = Literal["required", "exact_match", "contains"]


class CustomClaim(NamedTuple):
    """One rule about one claim."""

    path: str  # the claim of that name, else a dotted path into objects
    test: ClaimTest
    allowed: tuple[Any, ...]  # JSON values; unused by `required`
    is_blocking: bool  # otherwise its failure is only noted
    in_words: bool  # whether `contains` on a text means one of its words, or (Tyk) any part of it


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """Empty = no check."""

    issuers: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    types: tuple[str, ...] = ()  # of the header's `typ`: RFC 9068 asks for "at+jwt"
    require_exp: bool = False
    lifetime_max_s: int = 0  # from `iat` to `exp`, so both must be there
    require_jti: bool = False
    once: bool = False  # a `jti` is good for one request
    custom: tuple[CustomClaim, ...] = ()


def read_claim_rules(reader: DocumentReader) -> tuple[ClaimRules, list[Problem]]:
    """The rules and the warnings; problems go to the reader."""
    once = reader.flag(f"{JTI}.once")
    rules = ClaimRules(
        issuers=reader.texts("jwt_allowed_issuers"),
        audiences=reader.texts("jwt_allowed_audiences"),
        subjects=reader.texts("jwt_allowed_subjects"),
        types=reader.texts("jwt_allowed_types"),
        require_exp=reader.flag("jwt_require_exp") or once,  # what has no end would have to be remembered for ever
        lifetime_max_s=reader.seconds("jwt_lifetime_max_s"),
        require_jti=reader.flag(f"{JTI}.enabled") or once,
        once=once,
        custom=_custom_claims(reader),
    )
    if once and not rules.lifetime_max_s:
        text = "remembers each jti until its token's exp, however far away; bound it with jwt_lifetime_max_s"
        return rules, [Problem(f"{JTI}.once", "jwt_jti_kept_long", text)]
    return rules, []


def _custom_claims(reader: DocumentReader) -> tuple[CustomClaim, ...]:
    """In the order of the document, so that of several that fail it is always the same one that speaks (F-37)."""
    return tuple(_custom_claim(path, rule) for path, rule in reader.named_objects(CUSTOM))


def _custom_claim(path: str, rule: DocumentReader) -> CustomClaim:
    if not all(path.split(".")):
        rule.report("", "invalid_claim_path", f"invalid claim path: {path!r}; write names parted by single dots")
    rule.only("type", "allowed_values", "allowedValues", "non_blocking", "nonBlocking", "match")
    test = rule.choice("type", *get_args(ClaimTest))
    allowed = rule.list_of_any("allowed_values") or rule.list_of_any("allowedValues")
    if test != "required" and not allowed:
        rule.report("allowed_values", "missing", f"must list at least one value, as the type is {test}")
    in_words = rule.choice("match", "words", "substring", default="words") == "words"
    if test == "contains" and not in_words and "" in allowed:
        rule.report("allowed_values", "empty_text", "lists an empty text, which every text contains; remove it")
    return CustomClaim(
        path,
        test,
        allowed,
        is_blocking=not (rule.flag("non_blocking") or rule.flag("nonBlocking")),
        in_words=in_words,
    )
