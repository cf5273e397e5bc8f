"""What the pages of a key's forms have in common: the values of their templates, and which field a path belongs to."""

from collections.abc import Sequence
from typing import Any, Final

from propylon.dashboard.forms import Form
from propylon.dashboard.key_choices import Choices
from propylon.dashboard.key_form import chosen_apis, meta_rows
from propylon.dashboard.key_life import LIVES, ON_DATE
from propylon.dashboard.key_limits import LIMITS, renewals
from propylon.dashboard.key_signing import MATERIALS
from propylon.model.session_secrets import JWT_ALGORITHMS

LIMIT_FIELDS: Final = tuple(name for names in LIMITS.values() for name in names)
# Fields of a form by the path of the member that they write.
FIELDS: Final = {
    **{name: name for name in LIMIT_FIELDS},
    "alias": "alias",
    "tags": "tags",
    "meta_data": "meta_data",
    "expires": "life",
    "is_inactive": "is_inactive",
    "apply_policies": "access",
    "access_rights": "access",
}
# What provenance speaks of, as people read it.
PROVENANCE: Final = {
    "access": "Access",
    "rate": "Rate limit",
    "quota_max": "Quota",
    "quota_renewal_rate": "Quota renews every (s)",
    "throttle_interval": "Throttle interval (s)",
    "throttle_retry_limit": "Throttle retries",
    "max_query_depth": "GraphQL query depth",
}


def own_fields(api_ids: Sequence[str]) -> dict[str, str]:
    """Of the limits that an API has of its own."""
    return {f"access_rights.{one}.limit.{name}": f"{name}:{one}" for one in api_ids for name in LIMIT_FIELDS}


def form_values(form: Form, choices: Choices, errors: dict[str, str]) -> dict[str, Any]:
    """For templates that include `key_form.html`."""
    return {
        "form": form,
        "choices": choices,
        "errors": errors,
        "chosen": [choices.apis[one] for one in chosen_apis(form) if one in choices.apis],
        "lives": [*LIVES, ON_DATE],
        "renewals": renewals,
        "meta_rows": meta_rows(form),
        "materials": MATERIALS,
        "algorithms": JWT_ALGORITHMS,
        "names": choices.names,
        "fields": PROVENANCE,
    }
