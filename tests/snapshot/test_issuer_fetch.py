"""A key set over HTTP: what is taken, and what of a host that does not behave is not."""

import asyncio
import json
from pathlib import Path

import pytest

from propylon.gateway.listener import server_tls
from propylon.snapshot.issuer_fetch import BODY_MAX_BYTES, IssuerFetch, Resolve
from propylon.snapshot.issuer_source import Source
from propylon.snapshot.renewal import Fetched
from tests.kit.answers import Answer, chunked, cut, reply, stall
from tests.kit.certificates import Authority
from tests.kit.issuer import Issuer, this_machine
from tests.kit.origin import SAFETY_S, Origin
from tests.kit.tokens import rsa_key

SET = b'{"keys":[]}'


def answers(*addresses: str) -> Resolve:
    """A resolver that says the same of every name."""

    async def resolve(host: str, port: int) -> list[str]:
        return list(addresses)

    return resolve


def fetched(
    source: Source, *, time_s: float = SAFETY_S, allow_insecure: bool = True, resolve: Resolve = this_machine
) -> Fetched | str:
    return asyncio.run(IssuerFetch(time_s, allow_insecure=allow_insecure, resolve=resolve)(source))


def of(origin: Origin, path: str = "/keys") -> Source:
    return Source(origin.url + path)


def test_a_key_set_is_taken_as_it_was_sent() -> None:
    with Origin({"/keys": reply(200, SET)}) as origin:
        assert fetched(of(origin, "/keys?p=x")) == Fetched(SET, None)
        request = origin.requests[0]
        assert (request.method, request.target) == ("GET", "/keys?p=x")
        assert request.value("host") == f"127.0.0.1:{origin.port}"
        assert request.value("accept-encoding") == "identity"


@pytest.mark.parametrize(
    ("fields", "max_age_s"),
    [
        ({"Cache-Control": "public, max-age=600"}, 600.0),
        ({"Cache-Control": "MAX-AGE=600"}, 600.0),
        ({"Cache-Control": "max-age=600", "Age": "200"}, 400.0),
        ({"Cache-Control": "max-age=600", "Age": "900"}, 0.0),
        ({"Cache-Control": "max-age=600", "Age": "x"}, 600.0),
        ({"Cache-Control": "s-maxage=600"}, None),
        ({"Cache-Control": "no-store, max-age=600"}, 0.0),
        ({"Cache-Control": "no-cache"}, 0.0),
        ({"Cache-Control": "max-age=-5"}, None),
    ],
)
def test_cache_control_says_how_long_it_is_fresh(fields: dict[str, str], max_age_s: float | None) -> None:
    lines = tuple((name.encode(), value.encode()) for name, value in fields.items())
    with Origin({"/keys": reply(200, SET, lines)}) as origin:
        assert fetched(of(origin)) == Fetched(SET, max_age_s)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (reply(500, SET), "status 500"),
        (reply(204), "status 204"),
        (reply(304), "status 304"),
        (reply(200, b"x" * (BODY_MAX_BYTES + 1)), "longer than"),
        (chunked([b"x" * 100_000] * 20), "longer than"),
        (reply(200, SET, ((b"Content-Encoding", b"gzip"),)), "gzip"),
        (cut(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), "ProtocolError"),
        (cut(b"nonsense\r\n\r\n"), "ProtocolError"),
        (cut(reset=True), "Error"),
        (reply(302, b"", ((b"Location", b"http://localhost:1/keys"),)), "another host, localhost"),
        (reply(307, b"", ((b"Location", b"//169.254.169.254/latest"),)), "another host, 169.254.169.254"),
        (reply(301, b"", ((b"Location", b"file:///etc/passwd"),)), "another host"),
        (reply(302, b"", ((b"Location", b"/keys"),)), "redirects"),
        (reply(302), "status 302"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_answer_that_is_not_one_whole_set_is_not_taken(answer: Answer, says: str) -> None:
    with Origin({"/keys": answer}) as origin:
        why = fetched(of(origin))
        assert isinstance(why, str)
        assert says in why


def test_a_redirect_on_the_same_host_is_followed() -> None:
    with Origin({"/keys": reply(302, b"", ((b"Location", b"/moved"),)), "/moved": reply(200, SET)}) as origin:
        assert fetched(of(origin)) == Fetched(SET, None)


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"])
def test_a_slow_issuer_is_given_up(before: bytes) -> None:
    with Origin({"/keys": stall(before)}) as origin:
        assert fetched(of(origin), time_s=0.2) == "no whole answer within 0.2 s"


def test_nobody_there_is_said_so() -> None:
    with Origin() as origin:
        origin.refuse()
        assert "ConnectError" in str(fetched(of(origin)))


def test_a_name_without_an_address_is_said_so() -> None:
    assert "OSError" in str(fetched(Source("https://idp.example/keys")))
    assert fetched(Source("https://idp.example/keys"), resolve=answers()) == "idp.example has no address"


# --- which addresses are asked


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["1.1.1.1", "::1"], ["::ffff:127.0.0.1"]]
)
def test_an_address_within_is_refused_before_anything_is_sent(addresses: list[str]) -> None:
    with Origin({"/keys": reply(200, SET)}) as origin:
        source = Source(f"https://idp.example:{origin.port}/keys")
        why = fetched(source, allow_insecure=False, resolve=answers(*addresses))
        assert "not of the public internet" in str(why)
        assert origin.connections == 0


def test_plain_http_is_refused_before_anything_is_resolved() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise AssertionError("resolved")

    assert "plain http" in str(fetched(Source("http://idp.example/keys"), allow_insecure=False, resolve=resolve))


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "[::ffff:7f00:1]", "localhost"])
def test_other_spellings_of_loopback_are_loopback(host: str) -> None:
    why = asyncio.run(IssuerFetch(SAFETY_S, allow_insecure=False)(Source(f"https://{host}/keys")))
    assert "not of the public internet" in str(why) or "has no address" in str(why)


def test_a_name_is_resolved_and_judged_at_each_fetch() -> None:
    """DNS rebinding: a public address at first, one within the next time."""
    said = iter([["1.1.1.1"], ["127.0.0.1"]])

    async def resolve(host: str, port: int) -> list[str]:
        return next(said)

    async def twice(port: int) -> list[Fetched | str]:
        fetch = IssuerFetch(0.2, allow_insecure=False, resolve=resolve)
        return [await fetch(Source(f"https://idp.example:{port}/keys")) for _ in range(2)]

    with Origin({"/keys": reply(200, SET)}) as origin:
        first, second = asyncio.run(twice(origin.port))
        assert "public internet" not in str(first)
        assert "public internet" in str(second)
        assert origin.connections == 0


def test_the_address_that_was_judged_is_the_one_connected_to() -> None:
    with Origin({"/keys": reply(200, SET)}) as origin:
        source = Source(f"http://idp.example:{origin.port}/keys")
        assert fetched(source, resolve=answers("127.0.0.1")) == Fetched(SET, None)
        assert origin.requests[0].value("host") == f"idp.example:{origin.port}"


def test_another_address_is_tried_when_the_first_does_not_answer() -> None:
    with Origin({"/keys": reply(200, SET)}) as origin:
        source = Source(f"http://idp.example:{origin.port}/keys")
        assert fetched(source, resolve=answers("127.0.0.2", "127.0.0.1")) == Fetched(SET, None)


# --- TLS


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.path))
    return made


@pytest.mark.parametrize(
    ("certified", "taken"),
    [("idp.example", True), ("other.example", False), ("127.0.0.1", False)],
    ids=["for the name", "for another name", "for the address"],
)
def test_the_certificate_must_be_for_the_name(authority: Authority, certified: str, taken: bool) -> None:
    with Origin({"/keys": reply(200, SET)}, tls=server_tls(*authority.issue(certified))) as origin:
        answer = fetched(Source(f"https://idp.example:{origin.port}/keys"), resolve=answers("127.0.0.1"))
        assert (answer == Fetched(SET, None)) is taken
        assert taken or "CERTIFICATE_VERIFY_FAILED" in str(answer)


def test_a_certificate_of_nobody_we_know_is_refused(tmp_path: Path) -> None:
    with Origin({"/keys": reply(200, SET)}, tls=server_tls(*Authority(tmp_path).issue("idp.example"))) as origin:
        answer = fetched(Source(f"https://idp.example:{origin.port}/keys"), resolve=answers("127.0.0.1"))
        assert "CERTIFICATE_VERIFY_FAILED" in str(answer)


# --- OpenID discovery


def test_an_openid_configuration_leads_to_the_key_set() -> None:
    with Issuer(a=rsa_key()) as issuer:
        answer = fetched(Source(issuer.configuration_url, issuer.url))
        assert isinstance(answer, Fetched)
        assert json.loads(answer.body)["keys"][0]["kid"] == "a"


def test_a_configuration_of_another_issuer_is_not_followed() -> None:
    with Issuer(a=rsa_key()) as issuer:
        issuer.named_as = issuer.url + "/"
        assert "names the issuer" in str(fetched(Source(issuer.configuration_url, issuer.url)))
        assert issuer.fetches == 0


@pytest.mark.parametrize(
    ("jwks_uri", "says"),
    [
        ("file:///etc/passwd", "no https URL"),
        ("http://10.0.0.1/keys", "not this machine"),
        (["http://127.0.0.1/keys"], "no jwks_uri"),
        (None, "no jwks_uri"),
    ],
)
def test_a_configuration_leads_nowhere_else(jwks_uri: object, says: str) -> None:
    document = json.dumps({"issuer": "me", "jwks_uri": jwks_uri}).encode()
    with Origin({"/c": reply(200, document)}) as origin:
        assert says in str(fetched(Source(origin.url + "/c", "me")))


def test_a_configuration_that_is_no_object_is_refused() -> None:
    with Origin({"/c": reply(200, b"<html>")}) as origin:
        assert "no JSON object" in str(fetched(Source(origin.url + "/c", "me")))
