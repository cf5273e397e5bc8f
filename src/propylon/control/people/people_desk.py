"""What the functions of people work with: a control process has it on its desk, a command makes it from the records."""

from typing import Protocol

from propylon.clock import Clock
from propylon.control.people.signing_in import SigningIn
from propylon.settings import Settings
from propylon.stores.records.records import Records
from propylon.stores.sealing import Sealing


class PeopleDesk(Protocol):
    """A part of `control/desk.py`'s Desk."""

    @property
    def settings(self) -> Settings: ...
    @property
    def sealing(self) -> Sealing: ...
    @property
    def records(self) -> Records: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def signing_in(self) -> SigningIn: ...
