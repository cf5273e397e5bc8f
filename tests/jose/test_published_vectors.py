"""Tokens that others have published, with keys that others have made."""

from joserfc.jwk import ECKey, OKPKey, RSAKey

from propylon.errors import Problem
from propylon.jose.claims import check_times, read_claims
from propylon.jose.token import Token, parse_token
from propylon.jose.verification import VerificationRecord, from_pem, from_secret, verify
from tests.jose.key_forms import pem
from tests.jose.raw_tokens import from_base64url

PAYLOAD = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"


def outcome(text: str, record: VerificationRecord | Problem) -> str | None:
    token = parse_token(text)
    assert isinstance(token, Token)
    assert isinstance(record, VerificationRecord)
    return verify(token, record)


def test_rfc_7515_a1_hs256() -> None:
    key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
    record = from_secret(from_base64url(key), id="rfc")
    signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert outcome(f"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{PAYLOAD}.{signature}", record) is None


def test_rfc_7515_a2_rs256() -> None:
    modulus = (
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pC"
        "gNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg6"
        "65xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRW"
        "yuXpoQ"
    )
    signature = (
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t"
        "1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12j"
        "zDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQ"
        "Ge77Rw"
    )
    key = RSAKey.import_key({"kty": "RSA", "n": modulus, "e": "AQAB"})
    record = from_pem(pem(key), family="rsa", id="rfc")
    assert outcome(f"eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}.{signature}", record) is None


def test_rfc_7515_a3_es256() -> None:
    x, y = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
    key = ECKey.import_key({"kty": "EC", "crv": "P-256", "x": x, "y": y})
    record = from_pem(pem(key), family="ecdsa", id="rfc")
    signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    assert outcome(f"eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.{signature}", record) is None


def test_rfc_7515_a5_unsecured() -> None:
    record = from_secret(b"a-shared-secret-of-32-characters", id="rfc")
    assert outcome(f"eyJhbGciOiJub25lIn0.{PAYLOAD}.", record) == "jwt_alg_not_allowed"


def test_rfc_8037_a4_ed25519() -> None:
    key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
    record = from_pem(pem(key), family="eddsa", id="rfc")
    signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    assert outcome(f"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.{signature}", record) is None


def test_the_claims_of_rfc_7519_are_read_and_have_expired() -> None:
    claims = read_claims(from_base64url(PAYLOAD))
    assert claims == {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}
    assert check_times(claims, 1300819379, exp_skew=0, iat_skew=0, nbf_skew=0) is None
    assert check_times(claims, 1300819380, exp_skew=0, iat_skew=0, nbf_skew=0) == ("jwt_expired", "token has expired")
