"""What the records do about a second root secret: how much it sealed, and that sealed anew."""

from propylon.stores.records.engines import Connect
from propylon.stores.records.resealing import Cursor, count_sealed_with, piece_at, reseal
from propylon.stores.records.roots_in_use import seals
from propylon.stores.sealing import Sealing


class ResealedRecords:
    """Of one set of records, with the root secret that seals and perhaps another that only opens."""

    def __init__(self, reading: Connect, writing: Connect, sealing: Sealing) -> None:
        self._reading = reading
        self._writing = writing
        self._sealing = sealing

    async def count_left(self) -> int:
        """Keys, APIs and policies that the other root secret sealed; 0 when there is none."""
        other = self._sealing.other
        if other is None:
            return 0
        async with self._reading() as connection:
            return await count_sealed_with(connection, other.fingerprint)

    async def reseal(self, at: Cursor) -> Cursor | None:
        """A piece of what that one sealed, sealed anew; answers where the next begins, None at the end. No revision.

        Nothing is done while another process seals with a newer root secret than this one has.
        """
        other = self._sealing.other
        if other is None:
            return None
        async with self._reading() as connection:
            piece = await piece_at(connection, at, other.fingerprint)
        if piece.rows:
            async with self._writing() as connection:
                if not await seals(connection, self._sealing):
                    return None
                await reseal(connection, piece, self._sealing)
        return piece.next
