"""Key IDs that we make: readable, unguessable, and known for what they are when they turn up where they should not.

`ppk_` + 22 random characters + 6 of a checksum. A scanner of source code or logs finds them by their form, and by the
checksum without a false alarm. Nothing of the owner stands inside: an ID is a name, not a document.
"""

from secrets import choice
from typing import Final
from zlib import crc32

PREFIX: Final = "ppk_"
ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # one word for a double click
RANDOM_CHARACTERS: Final = 22  # 62^22 > 2^130
CHECK_CHARACTERS: Final = 6  # 62^6 > 2^32


def new_key_id() -> str:
    """Of the operating system's randomness."""
    body = PREFIX + "".join(choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    return body + _check(body)


def is_generated(key_id: str) -> bool:
    """Whether it has the form and the checksum; says nothing of whether there is such a key."""
    body, check = key_id[:-CHECK_CHARACTERS], key_id[-CHECK_CHARACTERS:]
    length = len(PREFIX) + RANDOM_CHARACTERS
    return len(body) == length and body.startswith(PREFIX) and body.isascii() and check == _check(body)


def _check(body: str) -> str:
    number, digits = crc32(body.encode()), ""
    for _ in range(CHECK_CHARACTERS):
        number, index = divmod(number, len(ALPHABET))
        digits = ALPHABET[index] + digits
    return digits
