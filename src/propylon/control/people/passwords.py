"""Passwords hashed and compared: argon2id (RFC 9106 §4, with 64 MiB), a few at a time, off the event loop."""

import asyncio
from collections.abc import Callable
from secrets import choice
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

AT_ONCE: Final = 2  # each takes 64 MiB and a core for some hundredths of a second
WAITING_MAX: Final = 32  # who wait for their turn; whoever comes then is asked to try again
LENGTH_MIN: Final = 12
LENGTH_MAX: Final = 128
DISTINCT_MIN: Final = 5
NOBODYS: Final = "a password of nobody"
LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"  # 32, none easily taken for another
GROUPS: Final = 5  # of 4 letters in a temporary one: 100 bits

_Result = TypeVar("_Result")


class TooBusy(Exception):
    """More people sign in at once than can be looked at."""


class Passwords:
    """One per control process."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._nobodys_hash = ""

    async def hashed(self, password: str) -> str:
        """Raises TooBusy."""
        return await self._in_turn(self._hash, password)

    async def fits(self, password_hash: str, password: str) -> bool:
        """The same work where there is no hash, so that the time tells nobody which addresses are known. TooBusy."""
        if not self._nobodys_hash:
            self._nobodys_hash = await self.hashed(NOBODYS)
        fits = await self._in_turn(self._verify, password_hash or self._nobodys_hash, password)
        return fits and bool(password_hash)

    async def _in_turn(self, work: Callable[..., _Result], *arguments: str) -> _Result:
        if self._waiting >= WAITING_MAX:
            raise TooBusy
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(work, *arguments)
        finally:
            self._waiting -= 1

    def _hash(self, password: str) -> str:
        return self._hasher.hash(_bytes(password))

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False


def why_not_taken(password: str, email: str) -> str:
    """Why a password may not be used, with the remedy; "" when it may. Length counts, kinds of characters do not."""
    if len(password) < LENGTH_MIN:
        return f"must have at least {LENGTH_MIN} characters; several words are easy to remember"
    if len(password) > LENGTH_MAX:
        return f"may have at most {LENGTH_MAX} characters"
    if len(set(password)) < DISTINCT_MIN:
        return "repeats a few characters; choose another one"
    name = email.partition("@")[0]
    if password.lower() in (email, name * (len(password) // max(1, len(name)))):
        return "is the e-mail address; choose another one"
    return ""


def temporary_password() -> str:
    """What somebody else made: its user has to change it before anything else."""
    return "-".join("".join(choice(LETTERS) for _ in range(4)) for _ in range(GROUPS))


def _bytes(password: str) -> bytes:
    """What is longer is no password of ours, and would only cost time."""
    return password[: LENGTH_MAX + 1].encode(errors="surrogatepass")
