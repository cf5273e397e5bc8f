"""The stages of an issuer's rotation, and what is expected of a gateway in each. Prints nothing.

A gateway fetches an issuer's set at most so often (a burst of 3, then 1 in 10 s), so some stages wait until it may.
"""

from collections.abc import Callable, Iterator
from time import monotonic, sleep
from typing import Any, Final, NamedTuple
from uuid import uuid4

from propylon.cli.trial_gateway import TrialGateway
from propylon.cli.trial_issuer import SigningKey, TrialIssuer, make_key
from propylon.clock import SystemClock

API: Final = "drill"
LIFE_S: Final = 3600
FLOOD: Final = 50  # tokens with kids that nobody has
FETCHES_MAX: Final = 3  # of them all
PATIENCE_S: Final = 30.0
PAUSE_S: Final = 0.5

Seen = list[str]


class Stage(NamedTuple):
    name: str
    is_well: bool
    seen: Seen
    fetches: int


class Rotation:
    """One, from the first key to the last. `play` says after each stage how it went."""

    def __init__(self, issuer: TrialIssuer, gateway: TrialGateway) -> None:
        self._issuer = issuer
        self._gateway = gateway
        self._old, self._next, self._sudden = (make_key(name) for name in ("old", "next", "sudden"))

    def play(self) -> Iterator[Stage]:
        self._issuer.publish(self._old)
        self._write_definitions()
        for name, stage in self._stages():
            before, seen = self._issuer.fetches, Seen()
            is_well = stage(seen)
            yield Stage(name, is_well, seen, self._issuer.fetches - before)

    def _stages(self) -> tuple[tuple[str, Callable[[Seen], bool]], ...]:
        return (
            ("one key is published, and signs", lambda seen: self._passes(self._old, seen)),
            ("the next key is published beside it, and begins to sign", self._overlap),
            ("the issuer is down: the keys that were fetched go on verifying", self._down),
            ("the issuer publishes an empty set by mistake: the same", self._empty),
            ("the old key leaves the set: its tokens end, the next key's do not", self._removed),
            ("a key replaces all others without notice", self._replaced),
            (f"{FLOOD} tokens with made-up kids: refused, few fetches, nobody else suffers", self._flood),
        )

    def _overlap(self, seen: Seen) -> bool:
        self._issuer.publish(self._old, self._next)
        return all([self._passes(self._next, seen), self._passes(self._old, seen)])

    def _down(self, seen: Seen) -> bool:
        self._issuer.break_down(503)
        return all([self._is_asked_again(seen), self._passes(self._old, seen), self._passes(self._next, seen)])

    def _empty(self, seen: Seen) -> bool:
        self._issuer.publish()
        return all([self._is_asked_again(seen), self._passes(self._old, seen), self._passes(self._next, seen)])

    def _removed(self, seen: Seen) -> bool:
        self._issuer.publish(self._next)
        return all([self._is_asked_again(seen), self._passes(self._next, seen), self._is_refused(self._old, seen)])

    def _replaced(self, seen: Seen) -> bool:
        """The one stage in which sound tokens may be refused, and for no longer than fetches are held back."""
        self._issuer.publish(self._sudden)
        began, refused = monotonic(), 0
        while self._status(self._sudden) != 200 and monotonic() < began + PATIENCE_S:
            refused += 1
            sleep(PAUSE_S)
        if refused:
            held_back = f"the first {refused} tokens of sudden were refused, for {monotonic() - began:.0f} s"
            seen.append(f"{held_back}: publish a key before it signs")
        return all([self._passes(self._sudden, seen), self._is_refused(self._next, seen)])

    def _flood(self, seen: Seen) -> bool:
        before = self._issuer.fetches
        refused = sum(self._status(self._nobody()) != 200 for _ in range(FLOOD))
        fetches = self._issuer.fetches - before
        seen.append(f"{refused} of {FLOOD} refused")
        return self._passes(self._sudden, seen) and refused == FLOOD and fetches <= FETCHES_MAX

    # -- what is done to the gateway ----------------------------------------------------------------------------------

    def _write_definitions(self) -> None:
        rights = {API: {"api_id": API, "api_name": API, "versions": ["Default"]}}
        self._gateway.write("/tyk/policies", {"id": API, "name": API, "org_id": API, "access_rights": rights})
        definition = {
            "api_id": API,
            "name": API,
            "org_id": API,
            "enable_jwt": True,
            "jwt_signing_method": "rsa",
            "jwt_source": self._issuer.key_set_url,
            "jwt_default_policies": [API],
            "proxy": {"listen_path": f"/{API}/", "target_url": self._issuer.url, "strip_listen_path": True},
            "version_data": {"not_versioned": True, "versions": {"Default": {"name": "Default"}}},
        }
        self._gateway.write("/tyk/apis", definition)

    def _is_asked_again(self, seen: Seen) -> bool:
        """A kid that the set does not have makes the gateway ask the issuer, as soon as its budget allows."""
        before, until = self._issuer.fetches, monotonic() + PATIENCE_S
        while self._issuer.fetches == before and monotonic() < until:
            if self._status(self._nobody()) == 200:
                seen.append("a token with a made-up kid passed")
                return False
            sleep(PAUSE_S)
        if self._issuer.fetches == before:
            seen.append(f"the issuer was not asked within {PATIENCE_S:.0f} s")
        return self._issuer.fetches > before

    def _passes(self, key: SigningKey, seen: Seen) -> bool:
        status, text = self._answer(key)
        seen.append(f"token of {key.kid}: {status} {text}".rstrip())
        return status == 200

    def _is_refused(self, key: SigningKey, seen: Seen) -> bool:
        return not self._passes(key, seen)

    def _nobody(self) -> SigningKey:
        return self._sudden._replace(kid=uuid4().hex)

    def _status(self, key: SigningKey) -> int:
        return self._answer(key)[0]

    def _answer(self, key: SigningKey) -> tuple[int, str]:
        now = int(SystemClock.wall())
        claims: dict[str, Any] = {"sub": "drill", "iat": now, "exp": now + LIFE_S, "jti": uuid4().hex}
        answer = self._gateway.get(f"/{API}/", key.token(claims))
        document = answer.document
        return answer.status, str(document.get("error", "")) if isinstance(document, dict) else ""
