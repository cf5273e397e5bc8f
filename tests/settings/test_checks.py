import pytest
from pydantic import SecretStr, TypeAdapter, ValidationError

from propylon.settings.checks import Command, MetersUrl, RecordsUrl, RootSecret, Secret, weakness


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("fifteen-letters", "has fewer than 16 characters"),
        ("sixteen--letters", ""),
        ("352d20ee67be67f6340b4c0605b044b7", "is publicly known"),
    ],
)
def test_a_secret_is_weak_when_it_is_short_or_public(secret: str, why: str) -> None:
    assert weakness(SecretStr(secret)) == why


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (RecordsUrl, ""),
        (RecordsUrl, "sqlite+aiosqlite:///records.db"),
        (RecordsUrl, "sqlite+aiosqlite:////var/lib/records.db"),
        (MetersUrl, "lmdb://meters"),
        (MetersUrl, "lmdb:///var/lib/meters"),
        (Secret, "!~"),
        (RootSecret, ""),
        (RootSecret, "r" * 32),
        (Command, ""),
        (Command, "vault kv get -field='root secret' propylon"),
    ],
)
def test_what_is_right_is_taken(kind: type, value: str) -> None:
    assert TypeAdapter(kind).validate_python(value) is not None


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (RecordsUrl, "sqlite+aiosqlite://"),
        (RecordsUrl, "sqlite+aiosqlite:///"),
        (RecordsUrl, "sqlite+aiosqlite:////"),
        (MetersUrl, "lmdb:///"),
        (Secret, "line\nbreak"),
        (Secret, "schlüssel-mit-umlaut"),
        (RootSecret, "r" * 31),
        (Command, "vault 'unclosed"),
        (Command, "  "),
    ],
)
def test_what_is_wrong_is_refused(kind: type, value: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)
