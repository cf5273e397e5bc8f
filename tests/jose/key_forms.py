"""Public keys in every form that people have them in, and what can be wrong with one."""

import base64
import json
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests.kit.tokens import ec_key, ed_key, public_jwk, public_pem, rsa_key

AsymmetricKey = RSAKey | ECKey | OKPKey


def pem(key: AsymmetricKey) -> bytes:
    return public_pem(key).encode()


def der(key: AsymmetricKey) -> bytes:
    return key.as_der(private=False)


def certificate(key: RSAKey | ECKey) -> x509.Certificate:
    assert key.private_key is not None
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer.example")])
    draft = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key).serial_number(1)
    draft = draft.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2021, 1, 1, tzinfo=UTC))
    return draft.sign(key.private_key, hashes.SHA256())


def public_forms(key: AsymmetricKey) -> dict[str, bytes]:
    """Name and bytes of the forms that an attacker may know as well as we do."""
    ssh = key.public_key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    jwk = public_jwk(key, kid="k1", use="sig")
    forms = {
        "PEM": pem(key),
        "PEM after text": b"the key:\n" + pem(key),
        "DER": der(key),
        "base64 of PEM": base64.b64encode(pem(key)),
        "base64 of DER": base64.b64encode(der(key)),
        "base64 of DER in lines": base64.encodebytes(der(key)),
        "SSH": ssh,
        "SSH with comment": ssh + b" anna@example",
        "SSH with options": b'command="x" ' + ssh,
        "SSH blob": ssh.split()[1],
        "JWK": json.dumps(jwk).encode(),
        "JWK indented": json.dumps(jwk, indent=2).encode(),
        "JWK in base64": base64.b64encode(json.dumps(jwk).encode()),
        "JWK set": json.dumps({"keys": [jwk]}).encode(),
    }
    if isinstance(key, RSAKey):
        forms |= {
            "PKCS#1 PEM": key.public_key.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
            "PKCS#1 DER": key.public_key.public_bytes(Encoding.DER, PublicFormat.PKCS1),
        }
    if not isinstance(key, OKPKey):
        made = certificate(key)
        forms |= {"certificate": made.public_bytes(Encoding.PEM), "DER certificate": made.public_bytes(Encoding.DER)}
    return forms


KEYS: dict[str, AsymmetricKey] = {"RSA": rsa_key(), "EC": ec_key(), "Ed25519": ed_key()}
EVERY_PUBLIC_FORM = {
    f"{name}: {form}": data + end
    for name, key in KEYS.items()
    for form, data in public_forms(key).items()
    for end in (b"", b"\n", b"\r\n")
}


def rsa_der(modulus: int, exponent: int) -> bytes:
    """A public key that no library would write."""
    integers = b"".join(_tagged(0x02, one.to_bytes(one.bit_length() // 8 + 1, "big")) for one in (modulus, exponent))
    algorithm = _tagged(0x30, bytes.fromhex("06092a864886f70d010101") + b"\x05\x00")  # rsaEncryption
    return _tagged(0x30, algorithm + _tagged(0x03, b"\0" + _tagged(0x30, integers)))


def modulus() -> int:
    key = rsa_key().public_key
    assert isinstance(key, RSAPublicKey)
    return key.public_numbers().n


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + content
