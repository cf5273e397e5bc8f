"""Which boot of the machine a window belongs to: its times are of CLOCK_MONOTONIC, which begins anew with each."""

from pathlib import Path

import lmdb

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

_BOOT_KEY = b"b"


def boot_number(meters: lmdb.Environment, boot_id: bytes) -> int:
    """Counts the boots this folder has seen, so that each window can carry its own in four bytes."""
    with meters.begin(write=True) as transaction:
        stored = transaction.get(_BOOT_KEY, bytes(4))
        number, of_boot = int.from_bytes(stored[:4]), stored[4:]
        if of_boot != boot_id:
            number += 1
            transaction.put(_BOOT_KEY, number.to_bytes(4) + boot_id)
        return number
