"""Rings that `history` turns: generations of a key's secret, and of a key that is a token itself.

A retirement cannot be taken back, and the newest generation cannot be retired. So a ring goes forward: each generation
is given once, by the rotation that adds it, and taken once, by its retirement after the next rotation. Meanwhile it
goes on: a generation on its way out must be let in until its retirement is sent.
"""

from collections.abc import Mapping
from itertools import count
from typing import Any

from bench.soak.history_run import Stage, Watch, Write
from bench.soak.history_things import put
from tests.kit.definitions import session
from tests.kit.gateway import Gateway
from tests.kit.tokens import hs256

FIRST = 1


class SecretRing:
    """Whose secrets are made here, so that a token is asked for before its generation is there, and is refused."""

    kind = "generation of a secret"
    key_id = "turning-secret"

    def __init__(self, gateway: Gateway, limits: Mapping[str, Any]) -> None:
        put(gateway, f"/tyk/keys/{self.key_id}", session("jwt", jwt_data={"secret": self._secret(FIRST)}, **limits))

    async def live(self, stage: Stage) -> None:
        held, gone, generation = self._watch(stage, FIRST, granted=True), None, FIRST
        for number in count(FIRST + 1):
            coming = self._watch(stage, number, granted=False)
            rotation = _rotation(self.key_id, number, {"secret": self._secret(number)})
            rotated = await stage.change(coming, rotation, granted=True)
            await _retire(stage, self.key_id, held, gone, generation)
            if stage.is_over:
                return
            held, gone, generation = coming, held, rotated["generation"]

    def _watch(self, stage: Stage, number: int, *, granted: bool) -> Watch:
        token = hs256({"sub": "x"}, self._secret(number), kid=self.key_id)
        return stage.watch("/jwt/", f"Bearer {token}", granted=granted)

    def _secret(self, number: int) -> str:
        return f"secret-{number}-of-at-least-32-characters"


class TokenRing:
    """Whose tokens the gateway makes, and shows in one answer alone."""

    kind = "generation of a token"
    key_id = "turning-token"

    def __init__(self, gateway: Gateway, limits: Mapping[str, Any]) -> None:
        put(gateway, f"/tyk/keys/{self.key_id}", session("token", **limits))
        self._rotations = count(1)

    async def live(self, stage: Stage) -> None:
        held, gone, generation = stage.watch("/token/", self.key_id, granted=True), None, FIRST
        while not stage.is_over:
            await stage.pause()
            token, newest = await self._rotate(stage)
            coming = stage.watch("/token/", token, granted=True)
            await _retire(stage, self.key_id, held, gone, generation)
            held, gone, generation = coming, held, newest

    async def _rotate(self, stage: Stage) -> tuple[str, int]:
        """A token whose answer was lost with a worker is nobody's; it is retired when there is a newer one."""
        lost: list[int] = []
        while True:
            rotated = await stage.write(_rotation(self.key_id, next(self._rotations), None))
            for generation in lost:
                await stage.write(_retirement(self.key_id, generation))
            if "token" in rotated:
                return rotated["token"], rotated["generation"]
            lost = [rotated["generation"]]


async def _retire(stage: Stage, key_id: str, held: Watch, gone: Watch | None, generation: int) -> None:
    """Of those that are gone, the last one is watched."""
    if gone is not None:
        gone.leave()
    await stage.change(held, _retirement(key_id, generation), granted=False)


def _rotation(key_id: str, number: int, body: dict[str, str] | None) -> Write:
    return Write("POST", f"/tyk/keys/{key_id}/rotate", body, {"Idempotency-Key": f"{key_id}-{number}"})


def _retirement(key_id: str, generation: int) -> Write:
    return Write("POST", f"/tyk/keys/{key_id}/ring/{generation}/retire")
