"""Public keys in the forms people have them in: loaded to verify with, or recognised where a secret was meant.

Judges what bytes are, not what a key may be used for.
"""

import re
from base64 import b64decode
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
    load_pem_public_key,
)

PublicKey = PublicKeyTypes | CertificatePublicKeyTypes

# PEM and SSH2 armour, OpenSSH blobs (base64 of a length and "ssh-…", "ecdsa-sha2-…", "sk-…"), a JWK or a set of them.
_PUBLIC_TEXT: Final = re.compile(
    rb'---- ?BEGIN |AAAA(?:B3NzaC1|C3NzaC1|E2VjZHNhLXNoYTIt|GnNrLX|InNrLW)|\A\s*[{\[].*"kty"', re.DOTALL
)
_BASE64_PUBLIC: Final = re.compile(rb"\s*(?:M|LS0t|ey)")  # of DER, which begins with 0x30, of "---" and of `{"`
_PRIVATE_ARMOUR: Final = b"PRIVATE KEY-----"
_DER_SEQUENCE: Final = b"\x30"


def load_public_key(data: bytes) -> PublicKey | None:
    """J-10: a PKIX public key first, else the key of an X.509 certificate; PEM or DER.

    None also for RSA exponents that are even or below 3: cryptography does not load them.
    """
    if _PRIVATE_ARMOUR in data:  # whatever stands beside it
        return None
    of_pem, of_der = (load_pem_public_key, _of_pem_certificate), (load_der_public_key, _of_der_certificate)
    for load in of_pem if b"-----BEGIN " in data else of_der:
        try:
            return load(data)
        except (ValueError, UnsupportedAlgorithm):
            continue
    return None


def is_private_key(data: bytes) -> bool:
    if _PRIVATE_ARMOUR in data:
        return True
    try:
        load_der_private_key(data, None)
    except TypeError:  # it is one, under a password
        return True
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def is_public_text(secret: bytes) -> bool:
    """Whether what is meant as a secret is something everybody may have (CVE-2022-29217, CVE-2026-39999).

    Cheap for a true secret, since it runs for every key that enters the cache: nothing is parsed that does not begin
    as a key would.
    """
    if _PUBLIC_TEXT.search(secret) or _is_public_der(secret):
        return True
    if not _BASE64_PUBLIC.match(secret):
        return False
    try:
        inner = b64decode(b"".join(secret.split()), validate=True)
    except ValueError:
        return False
    return _PUBLIC_TEXT.search(inner) is not None or _is_public_der(inner)


def _is_public_der(data: bytes) -> bool:
    """With or without the line end that an editor or `echo` adds."""
    return data.startswith(_DER_SEQUENCE) and any(load_public_key(form) for form in (data, data.rstrip(b"\r\n")))


def _of_pem_certificate(data: bytes) -> PublicKey:
    return x509.load_pem_x509_certificate(data).public_key()


def _of_der_certificate(data: bytes) -> PublicKey:
    return x509.load_der_x509_certificate(data).public_key()
