"""Whose things a call may see and change: those of the organisation that bounds it, or everybody's.

What another organisation owns is as unknown as what is not there: the same 404, the same text, and nothing of it in
lists, warnings and notes. One rule for naming: whoever is bounded and names another organisation, in the body or as
`org_id` in the query, is refused with 403, whether there is such a one or not; who names none speaks of their own.
"""

from typing import Final

from propylon.control.call import Call
from propylon.control.envelope import Refused

NOT_YOURS: Final = "org_id names another organisation than yours; leave it out, or name your own"
OF_ALL: Final = "This concerns every organisation of the gateway; it is done with the secret of the Gateway API"


def org_of(call: Call, said: object = "") -> str:
    """The organisation a call speaks of, "" when it does not say. `said` is that of the body, and counts first.

    What is no text is left to whoever reads the body. Raises Refused.
    """
    named = [name for name in (said, call.query.get("org_id")) if isinstance(name, str) and name]
    if call.org_id is None:
        return named[0] if named else ""
    if any(name != call.org_id for name in named):
        raise Refused(403, NOT_YOURS, code="organisation_not_yours")
    return call.org_id


def is_hidden(call: Call, org_id: str) -> bool:
    """Whether what belongs to that organisation is unknown to the caller."""
    return call.org_id not in (None, org_id)


def demand_unbounded(call: Call) -> None:
    """For what is of the whole gateway. Raises Refused."""
    if call.org_id is not None:
        raise Refused(403, OF_ALL, code="not_of_one_organisation")
