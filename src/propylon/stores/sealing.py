"""Root secrets and what is made of them: sealed values, key hashes, etags. Knows no record and no store.

A root secret seals under a key of its own (HKDF-SHA-256, RFC 5869). A sealed value is AES-256-GCM and reads
`1.<root secret's fingerprint>.<base64url of nonce, ciphertext, tag>`: the form has a number and the secret a name, so
that there may be two of them while one takes the place of the other. Head and binding are authenticated with it: a
value that was moved to another row or field does not open.

Key hashes and etags cannot be made again when the root secret changes: the text of a hashed key is stored nowhere. So
their keys are lasting: derived from the root secret that the records were made with, and kept in the records, sealed.
"""

import hmac
import json
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from logging import getLogger
from pathlib import Path
from string import hexdigits
from tempfile import mkstemp
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from propylon.errors import StoreUnavailable

log = getLogger("propylon.sealing")
HEX_DIGITS_MIN: Final = 64  # 256 bits, 4 a digit
CHARACTERS_MIN: Final = 43  # 256 bits, 6 a character: 32 bytes in base64
DISTINCT_MIN: Final = 8  # 64 random hex digits show fewer once in 10^18 times
REMEDY: Final = 'make one with: python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
_FORM: Final = "1"
_NONCE_BYTES: Final = 12  # SP 800-38D §8.2.2: random 96 bits are good for 2^32 values


class LastingKeys:
    """The pepper of key hashes and the key of etags of one set of records, 256 bits each; no change moves them."""

    def __init__(self, pepper: bytes, etag_key: bytes) -> None:
        self._pepper = pepper
        self._etag_key = etag_key
        self._keys_by_use: dict[str, bytes] = {}

    @classmethod
    def from_text(cls, text: str) -> "LastingKeys":
        """What `to_text` made; ValueError or KeyError of anything else."""
        stored = json.loads(text)
        return cls(bytes.fromhex(stored["pepper"]), bytes.fromhex(stored["etag_key"]))

    def to_text(self) -> str:
        """To be sealed; never shown."""
        return json.dumps({"pepper": self._pepper.hex(), "etag_key": self._etag_key.hex()})

    def key_hash(self, org_id: str, key_id: str) -> str:
        """How a key is stored and logged: 64 hex digits over the whole ID. The length keeps `a`+`bc` from `ab`+`c`."""
        org = _bytes(org_id)
        return hmac.digest(self._pepper, len(org).to_bytes(4) + org + _bytes(key_id), "sha256").hex()

    def etag(self, content: str) -> str:
        """16 hex digits. Keyed, since the content holds secrets and an etag is shown: a weak one could be guessed."""
        return hmac.digest(self._etag_key, _bytes(content), "sha256")[:8].hex()

    def mac(self, use: str, content: str) -> str:
        """64 hex digits, under a key of this use alone: records that have lasting keys need no further one."""
        if use not in self._keys_by_use:
            self._keys_by_use[use] = _derived(self._etag_key, use.encode())
        return hmac.digest(self._keys_by_use[use], _bytes(content), "sha256").hex()


class RootSecret:
    """Made once per process, by `from_text` or `load_or_make`; the text itself is not kept."""

    def __init__(self, text: str) -> None:
        raw = text.encode()
        self.fingerprint = f"sha256:{_derived(raw, b'fingerprint')[:8].hex()}"
        self.lasting_keys = LastingKeys(_derived(raw, b"key hash"), _derived(raw, b"etag"))  # of records made with it
        self._cipher = AESGCM(_derived(raw, b"sealing"))
        self._head = head_of(self.fingerprint)

    @classmethod
    def from_text(cls, text: str) -> "RootSecret":
        """Hex, base64 or any long text, white space around it ignored. ValueError, with the remedy, when it is weak."""
        text = text.strip()
        if why := _weakness(text):
            raise ValueError(f"the root secret {why}; {REMEDY}")
        return cls(text)

    @classmethod
    def generate(cls) -> "RootSecret":
        return cls(secrets.token_urlsafe(32))

    def __repr__(self) -> str:
        return f"RootSecret({self.fingerprint})"

    def seal(self, plaintext: str, binding: str) -> str:
        """`binding` says where the value belongs: "keys:<record id>:jwt_data.secret"."""
        nonce = os.urandom(_NONCE_BYTES)
        ciphertext = self._cipher.encrypt(nonce, _bytes(plaintext), _bytes(self._head + binding))
        return self._head + urlsafe_b64encode(nonce + ciphertext).decode()

    def has_sealed(self, sealed: str) -> bool:
        return sealed.startswith(self._head)

    def unseal(self, sealed: str, binding: str) -> str:
        """Raises StoreUnavailable when it was sealed with another root secret, for another place, or is damaged."""
        if not self.has_sealed(sealed):
            raise StoreUnavailable(f"{binding} was not sealed with the root secret {self.fingerprint}")
        try:
            raw = urlsafe_b64decode(sealed[len(self._head) :])
            plain = self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bytes(self._head + binding))
        except (InvalidTag, ValueError) as error:
            raise StoreUnavailable(f"{binding} does not open: it is damaged or was moved from another place") from error
        return plain.decode(errors="surrogatepass")


class Sealing:
    """What one set of records is hashed and sealed with. Made where they are opened.

    `other` opens what it sealed and seals nothing. `lasting_keys` are those of `root_secret` where nothing else is
    said, as in records that were made with it.
    """

    def __init__(
        self, root_secret: RootSecret, other: RootSecret | None = None, lasting_keys: LastingKeys | None = None
    ) -> None:
        self.root_secret = root_secret
        self.other = other
        self.lasting_keys = lasting_keys or root_secret.lasting_keys
        self.key_hash = self.lasting_keys.key_hash
        self.etag = self.lasting_keys.etag
        self.mac = self.lasting_keys.mac
        self.seal = root_secret.seal

    def unseal(self, sealed: str, binding: str) -> str:
        """Raises StoreUnavailable as `RootSecret.unseal` does."""
        if self.other is not None and self.other.has_sealed(sealed):
            return self.other.unseal(sealed, binding)
        return self.root_secret.unseal(sealed, binding)


def head_of(fingerprint: str) -> str:
    """What every value begins with that the root secret of that fingerprint sealed."""
    return f"{_FORM}.{fingerprint.removeprefix('sha256:')}."


def load_or_make(path: Path) -> RootSecret:
    """The secret in a file, made with mode 0600 if there is none: it appears whole or not at all, and only once."""
    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        log.warning("%s can be read by others; chmod 600 %s", path, path)
    try:
        return RootSecret.from_text(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path}: {error}, or restore the file from a backup") from None


def _make(path: Path) -> None:
    descriptor, draft = mkstemp(dir=path.parent, prefix=".")  # with mode 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{secrets.token_urlsafe(32)}\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename, it never replaces what another process made meanwhile
    except FileExistsError:
        pass  # theirs is read
    finally:
        os.unlink(draft)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _weakness(text: str) -> str:
    is_hex = bool(text) and set(text) <= set(hexdigits)
    least, unit = (HEX_DIGITS_MIN, "hex digits") if is_hex else (CHARACTERS_MIN, "characters")
    if len(text) < least:
        return f"has {len(text)} {unit} and needs at least {least}, which is 256 bits"
    return "repeats a few characters" if len(set(text)) < DISTINCT_MIN else ""


def _bytes(text: str) -> bytes:
    """JSON may hold half of a surrogate pair, in a `kid` too; no two texts have the same bytes, nor is one refused."""
    return text.encode(errors="surrogatepass")


def _derived(secret: bytes, use: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"propylon 1 " + use).derive(secret)
