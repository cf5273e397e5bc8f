"""How long whoever has guessed has to wait, by account and by address. Pure but for what it remembers.

An attempt counts when it begins, so that many at once are no more guesses than as many in a row; one that succeeds is
forgiven. Waits grow and end: nobody is shut out for good, and an attempt during a wait neither counts nor prolongs it.
An account's own wait, which strangers can bring about, is short, and never holds for the address its user last signed
in from. Each control process counts for itself.
"""

from typing import Final, NamedTuple

from propylon.http.client_address import counted_as

REMEMBERED_MAX: Final = 30_000  # counts at once; the oldest goes
FORGET_S: Final = 3_600.0  # after the last attempt


class Rule(NamedTuple):
    free: int  # attempts without a wait
    longest_s: float  # of a wait; the first is 1 s, each further one twice as long


ACCOUNT_FROM_ADDRESS: Final = Rule(5, 900.0)
ADDRESS: Final = Rule(20, 900.0)
ACCOUNT: Final = Rule(30, 60.0)


class Count(NamedTuple):
    attempts: int
    last: float


class Throttle:
    """Times are the monotonic clock's."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, ...], Count] = {}

    def begin(self, account: str, address: str, now: float, *, is_usual: bool = False) -> float:
        """Seconds to wait, or 0: then the attempt counts. `is_usual`: the account's user last signed in from there."""
        rules = _rules(account, address)
        wait_s = max(
            self._wait_s(name, rule, now) for name, rule in rules.items() if not (is_usual and rule == ACCOUNT)
        )
        if wait_s > 0:
            return wait_s
        for name in rules:
            self._add(name, now)
        return 0.0

    def succeeded(self, account: str, address: str) -> None:
        """What was guessed from there at this account is forgiven, and this attempt everywhere."""
        for name, rule in _rules(account, address).items():
            count = self._counts.pop(name, None)
            if count is not None and count.attempts > 1 and rule != ACCOUNT_FROM_ADDRESS:
                self._counts[name] = count._replace(attempts=count.attempts - 1)

    def _wait_s(self, name: tuple[str, ...], rule: Rule, now: float) -> float:
        attempts, last = self._counts.get(name, (0, now))
        if attempts < rule.free or now >= last + FORGET_S:
            return 0.0
        return max(0.0, last + min(rule.longest_s, 2.0 ** min(attempts - rule.free, 30)) - now)

    def _add(self, name: tuple[str, ...], now: float) -> None:
        attempts, last = self._counts.pop(name, Count(0, now))
        if len(self._counts) >= REMEMBERED_MAX:
            del self._counts[next(iter(self._counts))]
        self._counts[name] = Count(1 if now >= last + FORGET_S else attempts + 1, now)


def _rules(account: str, address: str) -> dict[tuple[str, ...], Rule]:
    counted = counted_as(address)
    return {
        ("account", account): ACCOUNT,
        ("address", counted): ADDRESS,
        ("account", account, "address", counted): ACCOUNT_FROM_ADDRESS,
    }
