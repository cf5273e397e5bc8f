"""What may be shown of settings: nothing that opens anything."""

import pytest

from propylon.settings import Settings
from propylon.settings.shown import MASK, is_masked, shown_settings, shown_url

PASSWORD = "hunter2-canary"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("", ""),
        ("sqlite+aiosqlite:////var/lib/records.db", "sqlite+aiosqlite:////var/lib/records.db"),
        ("lmdb:///fast/disk@home", "lmdb:///fast/disk@home"),
        ("postgresql+asyncpg://db.internal/propylon", "postgresql+asyncpg://db.internal/propylon"),
        (f"postgresql+asyncpg://u:{PASSWORD}@db:5433/propylon", "postgresql+asyncpg://***@db:5433/propylon"),
        (f"postgresql+asyncpg://db/propylon?user=u&password={PASSWORD}", "postgresql+asyncpg://db/propylon?user=***&password=***"),
        (f"redis://:{PASSWORD}@[::1]:6379/0", "redis://***@[::1]:6379/0"),
        (f"redis+sentinel://u:{PASSWORD}@a:1,b:2/master/0", "redis+sentinel://***@a:1,b:2/master/0"),
        (f"rediss+sentinel://a:1/m?sentinel_password={PASSWORD}", "rediss+sentinel://a:1/m?sentinel_password=***"),
    ],
)  # fmt: skip
def test_a_url_keeps_hosts_and_database_and_loses_who_logs_in(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@pytest.mark.parametrize("password", ["a/b", "a?b", "a@b", "a/b@c?d", "12/34", "%2f@x", "?p=q&", "#"])
def test_a_password_that_somebody_forgot_to_encode_is_not_shown_either(password: str) -> None:
    shown = shown_url(f"redis://user-canary:{password}{PASSWORD}@host/0")
    assert PASSWORD not in shown
    assert "canary" not in shown


def test_every_setting_is_shown_and_no_secret_is() -> None:
    settings = Settings(
        secret="canary-" * 4,
        admin_secret="canary-admin-" * 4,
        root_secret="canary-root-" * 4,
        root_secret_other="canary-other-" * 4,
        trusted_proxies=["10.0.0.0/8"],
    )
    shown = shown_settings(settings)
    assert list(shown) == list(Settings.model_fields)
    assert "canary" not in str(shown)
    assert [name for name in shown if is_masked(name)] == ["secret", "admin_secret", "root_secret", "root_secret_other"]
    assert (shown["secret"], shown["root_secret"], shown["trusted_proxies"]) == (MASK, MASK, ["10.0.0.0/8"])


def test_a_secret_that_is_unset_is_shown_to_be() -> None:
    assert shown_settings(Settings(secret="x" * 32))["root_secret"] == ""
