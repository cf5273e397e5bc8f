"""URLs of meters: every form that is documented, and errors that name the remedy and no password."""

import pytest

from propylon.stores.redis_url import RedisTarget, parse_redis_url

PLAIN = RedisTarget((("meters.example", 6379),), "", 0, "", "", False, {}, "", "")


def target(**changes: object) -> RedisTarget:
    fields = {name: getattr(PLAIN, name) for name in RedisTarget.__slots__}
    return RedisTarget(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://meters.example", PLAIN),
        ("redis://meters.example/", PLAIN),
        ("redis://meters.example:7000/15", target(hosts=(("meters.example", 7000),), database=15)),
        ("redis://[fd00::1]:7000", target(hosts=(("fd00::1", 7000),))),
        ("redis://:word@meters.example", target(password="word")),
        ("redis://gate:p%40ss%2F%3A@meters.example", target(username="gate", password="p@ss/:")),
        ("rediss://meters.example", target(is_tls=True)),
        (
            "rediss://meters.example?ssl_ca_certs=/ca.pem&ssl_certfile=/c.pem&ssl_keyfile=/k.pem",
            target(is_tls=True, files={"ssl_ca_certs": "/ca.pem", "ssl_certfile": "/c.pem", "ssl_keyfile": "/k.pem"}),
        ),
        ("redis+sentinel://one/meters", target(hosts=(("one", 26379),), service="meters")),
        (
            "redis+sentinel://gate:word@one:1,two:2,[::1]:3/meters/4?sentinel_username=a&sentinel_password=b%26",
            target(
                hosts=(("one", 1), ("two", 2), ("::1", 3)),
                service="meters",
                database=4,
                username="gate",
                password="word",
                sentinel_username="a",
                sentinel_password="b&",
            ),
        ),
        ("redis+cluster://one,two:1", target(hosts=(("one", 6379), ("two", 1)), is_cluster=True)),
        ("rediss+cluster://:word@one", target(hosts=(("one", 6379),), password="word", is_tls=True, is_cluster=True)),
        ("rediss+sentinel://one/meters", target(hosts=(("one", 26379),), service="meters", is_tls=True)),
    ],
)
def test_a_url_says_where_redis_is(url: str, expected: RedisTarget) -> None:
    assert parse_redis_url(url) == expected


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("http://canary@host", "does not begin with one of"),
        ("redis://", "names no host"),
        ("redis://user:canary@", "names no host"),
        ("redis://user:canary@host:port", "a port that is not a number"),
        ("redis://user:canary@host:70000", "a port that is not a number"),
        ("redis://user:canary@[::1", "is no URL"),
        ("redis://user:canary@one,two", "redis+sentinel"),
        ("redis://user:canary@one,two", "redis+cluster"),
        ("redis+cluster://user:canary@one/1", "leave the number out"),
        ("redis://host/canary", "no database number"),
        ("redis://host/0/canary", "no database number"),
        ("redis+sentinel://one,two", "names no service"),
        ("redis+sentinel://one,/meters", "names no host"),
        ("redis://host?canary=1", "known are ssl_ca_certs"),
        ("redis://host?canary", "percent-encode"),
        ("redis://user:ca?nary@host", "percent-encode a ?"),
        ("redis://user:ca#nary@host", "write %23"),
        ("redis://host#canary", "write %23"),
        ("redis://host?ssl_ca_certs=/canary", "write rediss"),
        ("redis://host?sentinel_password=canary", "write redis+sentinel"),
    ],
)
def test_an_error_names_the_remedy_and_shows_nothing_that_may_be_secret(url: str, remedy: str) -> None:
    with pytest.raises(ValueError, match="^meters_url ") as raised:
        parse_redis_url(url)
    assert remedy in str(raised.value)
    assert "canary" not in str(raised.value)
    assert "nary" not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("redis://user:canary@host/1", "host:6379"),
        ("redis+sentinel://user:canary@one,[::1]:3/meters?sentinel_password=canary", "meters of one:26379,[::1]:3"),
        ("redis+cluster://user:canary@one,two", "Cluster one:6379,two:6379"),
    ],
)
def test_a_target_is_shown_without_its_passwords(url: str, text: str) -> None:
    assert str(parse_redis_url(url)) == text
    assert "canary" not in repr(parse_redis_url(url))
