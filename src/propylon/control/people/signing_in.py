"""What signing in needs beside the records, made once by the control process and forgotten with it."""

from propylon.clock import Clock
from propylon.control.people.passwords import Passwords
from propylon.control.people.refused_attempts import RefusedAttempts
from propylon.control.people.throttle import Throttle
from propylon.stores.records.records import Records


class SigningIn:
    """A part of the desk."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self.passwords = Passwords()
        self.throttle = Throttle()
        self.refused = RefusedAttempts(records, clock)
