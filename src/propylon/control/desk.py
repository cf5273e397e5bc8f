"""What every resource of the Gateway API works with. Made once by the control process."""

from typing import NamedTuple

from propylon.clock import Clock
from propylon.control.announcer import Announcer
from propylon.control.files import Files
from propylon.settings import Settings
from propylon.stores.ports import Meters
from propylon.stores.records.records import Records


class Desk(NamedTuple):
    settings: Settings
    records: Records
    meters: Meters
    files: Files
    announcer: Announcer
    clock: Clock
