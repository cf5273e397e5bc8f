"""Who uses the dashboard: what its pages ask of the people's part of the control plane.

A Protocol, as the application is given it when it is made: `signing_in.py` is the real one, tests have theirs.
"""

from typing import NamedTuple, Protocol

from propylon.control.people.signed_in import SignedIn


class NotSignedIn(NamedTuple):
    """Why a sign-in is refused, in words for whoever tries; `wait_s` is 0 when the next try may come at once."""

    message: str
    wait_s: int


class People(Protocol):
    """One per control process."""

    async def by_session(self, token: str, *, is_background: bool = False) -> SignedIn | None:
        """`is_background`: a page asked by itself, and the session ages as if it had not."""
        ...

    async def log_in(self, email: str, password: str, *, address: str, user_agent: str) -> str | NotSignedIn:
        """The token of a new session."""
        ...

    async def log_out(self, token: str) -> None: ...

    def csrf_token(self, token: str) -> str:
        """Derived from a session's token, or from a visitor's before there is one; nothing is stored."""
        ...

    async def change_password(self, who: SignedIn, current: str, new: str, *, address: str) -> dict[str, str]:
        """Nothing when it is changed and their other sessions have ended; else why not, by `current` or `new`."""
        ...
