"""A form whose answer shows something once is good for one time: loading that answer again makes nothing twice.

The number in it is kept in the records for a day, so that it counts for every control process.
"""

from secrets import token_urlsafe
from typing import Final

from propylon.control.envelope import Refused
from propylon.dashboard.visit import Visit

NUMBER_MAX: Final = 64
USED: Final = "This form was sent already. What it made is in the list; what was to be shown once was shown then."


def new_number() -> str:
    return token_urlsafe(16)


async def use_number(visit: Visit) -> None:
    """Of the form's field `once`. Raises Refused when it was used."""
    number = visit.form.text("once")[:NUMBER_MAX]
    name = f"form:{visit.who.user_id}:{number}"
    async with visit.desk.records.change(visit.caller.by) as edit:
        if not number or await edit.answer_to(name) is not None:
            raise Refused(409, USED)
        await edit.keep_answer(name, {})
