"""Who sent a request of the API, by the access key in it.

No wrong key is answered with a wait. Keys are 128 random bits that we make ourselves, so that a guess comes to nothing
however many there are; it costs one look at an index, as a right one does; and a wait of an address would shut out
whoever shares it. Wrong ones are noted in the audit log, which no flood can fill (`refused_attempts.py`).
"""

from collections.abc import Mapping
from typing import Final

from propylon.control.envelope import Refused
from propylon.control.people.people_desk import PeopleDesk
from propylon.control.people.signed_in import SignedIn, by_access_key
from propylon.stores.records.audit import Entry
from propylon.stores.records.writes import Actor

NOT_AUTHORISED: Final = "Not authorised"
CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}  # RFC 9110 §11.6.1


async def who_sent(desk: PeopleDesk, headers: Mapping[str, str], address: str) -> SignedIn:
    """By `Authorization`: raw, as Tyk's clients send it, or as a bearer token, as generated ones do. Raises Refused."""
    sent = headers.get("Authorization", "").strip()
    scheme, _, rest = sent.partition(" ")
    who = await by_access_key(desk, rest.strip() if scheme.lower() == "bearer" else sent)
    if who is not None:
        return who
    if sent:
        await desk.signing_in.refused.note(Actor("unknown", address=address), Entry("wrong_secret", "/api"))
    raise Refused(401, NOT_AUTHORISED, CHALLENGE)
