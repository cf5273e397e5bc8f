"""Secrets that are easy to guess."""

import pytest

from propylon.jose.known_secrets import PUBLICLY_KNOWN, SECRET_MIN_BYTES, weakness


@pytest.mark.parametrize(("alg", "shortest"), SECRET_MIN_BYTES.items())
def test_a_secret_shorter_than_its_hash_is_weak(alg: str, shortest: int) -> None:
    problem = weakness(b"x" * (shortest - 1), alg)
    assert problem is not None
    assert (problem.code, f"at least {shortest}" in problem.message) == ("secret_short", True)
    assert weakness(b"q7" * (shortest // 2), alg) is None


@pytest.mark.parametrize("secret", PUBLICLY_KNOWN)
@pytest.mark.parametrize("form", [bytes, bytes.upper, lambda secret: secret + b"\n"])
def test_a_publicly_known_secret_is_weak_at_any_length(secret: bytes, form: object) -> None:
    assert callable(form)
    problem = weakness(form(secret), "HS256")
    assert problem is not None
    assert problem.code == "secret_public"


@pytest.mark.parametrize("secret", [b"xxx", b"secret", b"your-256-bit-secret", PUBLICLY_KNOWN[0]])
def test_a_weakness_does_not_repeat_the_secret(secret: bytes) -> None:
    problem = weakness(secret, "HS256")
    assert problem is not None
    assert f" {secret.decode()} " not in f" {problem.message} "
