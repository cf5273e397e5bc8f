"""The two heads as they travel on: proxy.md §3 to §5 with the departures of design §4."""

from typing import Any

import pytest

from propylon.gateway.replies import error_body
from tests.kit.answers import raw, reply
from tests.kit.client import Client, get
from tests.kit.data_path import data_path
from tests.kit.definitions import keyless_api, session, token_api
from tests.kit.origin import Origin

LOOPBACK = ("127.0.0.0/8",)


def api(url: str, listen: str, **proxy: Any) -> dict[str, Any]:
    members = {"listen_path": listen, "target_url": url, "strip_listen_path": True}
    return keyless_api(url) | {"proxy": members | proxy}


@pytest.mark.parametrize(
    ("target", "listen", "proxy", "request_target", "sent"),
    [
        ("", "/x/", {}, "/x/", "/"),
        ("", "/x/", {}, "/x", "/"),
        ("/base", "/x/", {}, "/x/a", "/base/a"),
        ("/base/", "/x", {}, "/x", "/base"),
        ("/base/", "/x", {}, "/x/", "/base"),
        ("/base/", "/x", {"disable_strip_slash": True}, "/x", "/base/"),
        ("/base/", "/x", {"disable_strip_slash": True}, "/x/", "/base/"),
        ("/base/", "/x", {"disable_strip_slash": True}, "/x/a", "/base/a"),
        ("/", "/x/", {"strip_listen_path": False}, "/x/a", "/x/a"),
        ("/base", "/x/", {"strip_listen_path": False}, "/x/a", "/base/x/a"),
        ("", "/x", {}, "/x/a//b", "/a/b"),
        ("", "/x/", {}, "/x/a/", "/a/"),
        ("", "/", {}, "/x/a", "/x/a"),
        ("", "/{version}/x", {}, "/v1/x/a", "/a"),
        ("/base", "/x", {}, "/x/a?q=1&q=%20+&z", "/base/a?q=1&q=%20+&z"),
        ("/base?key=1", "/x", {}, "/x/a?q=1", "/base/a?key=1&q=1"),
        ("/base?key=1", "/x", {}, "/x/a", "/base/a?key=1"),
    ],
)
def test_the_target_and_the_request_s_path_are_joined(
    target: str, listen: str, proxy: dict[str, Any], request_target: str, sent: str
) -> None:
    with Origin() as origin, data_path(api(origin.url + target, listen, **proxy)) as path:
        assert get(path.url + request_target).status == 200
        assert origin.requests[0].target == sent


@pytest.mark.parametrize("preserve", [False, True])
def test_the_host_is_the_target_s_unless_the_client_s_is_preserved(preserve: bool) -> None:
    with Origin() as origin, data_path(api(origin.url, "/x", preserve_host_header=preserve)) as path:
        get(path.url + "/x", {"Host": "api.example"})
        assert origin.requests[0].value("host") == ("api.example" if preserve else f"127.0.0.1:{origin.port}")
        assert origin.requests[0].value("x-forwarded-host") == "api.example"


HOP_BY_HOP = {
    "Connection": "X-Own, keep-alive",
    "X-Own": "1",
    "Keep-Alive": "timeout=5",
    "Proxy-Connection": "keep-alive",
    "Proxy-Authorization": "Basic x",
    "Proxy-Authenticate": "Basic",
    "TE": "trailers",
    "Trailer": "X",
}


def test_fields_of_this_hop_end_here_and_all_others_travel_as_written() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path:
        get(path.url + "/keyless/", HOP_BY_HOP | {"X-oDD-Case": "a,  b", "Cookie": "a=1", "User-Agent": "u"})
        sent = origin.requests[0]
        assert [name for name in HOP_BY_HOP if sent.values(name)] == []
        assert (b"X-oDD-Case", b"a,  b") in sent.fields
        assert (sent.value("cookie"), sent.value("user-agent")) == ("a=1", "u")


def test_a_client_cannot_have_the_framing_or_the_credential_host_dropped_by_naming_it() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(
            b"POST /keyless/ HTTP/1.1\r\nHost: x\r\nConnection: content-length, host, x-forwarded-for\r\n"
            b"Content-Length: 5\r\n\r\nhello"
        )
        assert client.read_response().status == 200
        sent = origin.requests[0]
        assert (sent.value("content-length"), sent.value("x-forwarded-for")) == ("5", "127.0.0.1")
        assert sent.value("host") == f"127.0.0.1:{origin.port}"


FORGED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "forged",
    "X-Forwarded-Port": "1",
    "X-Real-IP": "6.6.6.6",
    "Forwarded": "for=6.6.6.6",
    "x_forwarded_for": "6.6.6.6",
    "X-Propylon-Client": "6.6.6.6",
}


def test_a_stranger_s_word_on_who_calls_is_replaced_by_ours() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path:
        get(path.url + "/keyless/", FORGED | {"Host": "h"})
        sent = origin.requests[0]
        assert (sent.value("x-forwarded-for"), sent.value("x-forwarded-proto")) == ("127.0.0.1", "http")
        assert sent.value("x-forwarded-host") == "h"
        assert b"6.6.6.6" not in sent.raw
        assert b"forged" not in sent.raw
        assert path.recorded[0].client_ip == "127.0.0.1"


def test_a_trusted_proxy_s_word_is_taken_and_added_to() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url), trusted_proxies=LOOPBACK) as path:
        get(path.url + "/keyless/", FORGED | {"X-Forwarded-For": "6.6.6.6, 7.7.7.7, 127.0.0.9"})
        sent = origin.requests[0]
        assert sent.value("x-forwarded-for") == "6.6.6.6, 7.7.7.7, 127.0.0.9, 127.0.0.1"
        assert (sent.value("x-forwarded-proto"), sent.value("x-forwarded-host")) == ("https", "forged")
        assert (sent.value("x_forwarded_for"), sent.value("x-propylon-client")) == (None, None)
        assert path.recorded[0].client_ip == "7.7.7.7"


def test_fields_of_the_upstream_s_hop_end_here_and_all_others_pass_as_written() -> None:
    fields = (
        (b"Connection", b"x-own"),
        (b"X-Own", b"1"),
        (b"Keep-Alive", b"timeout=5"),
        (b"X-RateLimit-Limit", b"7"),
        (b"x-odd-CASE", b"a,  b"),
        (b"Set-Cookie", b"a=1"),
        (b"Set-Cookie", b"b=2"),
        (b"Server", b"theirs"),
    )
    with Origin(reply(404, b"theirs", fields)) as origin, data_path(keyless_api(origin.url)) as path:
        answer = get(path.url + "/keyless/")
        assert (answer.status, answer.body) == (404, b"theirs")
        assert (b"x-odd-CASE", b"a,  b") in answer.fields
        assert answer.values("set-cookie") == ["a=1", "b=2"]
        assert [answer.values(name) for name in ("x-own", "keep-alive", "x-generator", "via")] == [[], [], [], []]
        assert answer.value("x-ratelimit-limit") == "0"
        assert answer.value("server") == "theirs"


def test_a_204_says_no_length() -> None:
    with (
        Origin(raw(b"HTTP/1.1 204 N\r\nContent-Length: 0\r\n\r\n")) as origin,
        data_path(keyless_api(origin.url)) as path,
    ):
        assert get(path.url + "/keyless/").value("content-length") is None


def test_an_unknown_status_keeps_its_number_and_reason() -> None:
    with (
        Origin(raw(b"HTTP/1.1 799 Odd one\r\nContent-Length: 0\r\n\r\n")) as origin,
        data_path(keyless_api(origin.url)) as path,
    ):
        answer = get(path.url + "/keyless/")
        assert (answer.status, answer.reason) == (799, b"Odd one")


@pytest.mark.parametrize(
    ("message", "kind", "body"),
    [
        ("<a> & \"b\" 'c'", "text/xml", b"<error>&lt;a&gt; &amp; &#34;b&#34; &#39;c&#39;</error>"),
        ("a", "TEXT/XML", b"<error>a</error>"),
        ("a", "text/plain", b'{\n    "error": "a"\n}'),
        ('q"b\\c\n\x01', "", b'{\n    "error": "q\\"b\\\\c\\u000a\\u0001"\n}'),
    ],
)
def test_an_error_is_escaped_for_the_form_it_is_written_in(message: str, kind: str, body: bytes) -> None:
    assert error_body(message, kind.encode())[1].endswith(body)


def test_credentials_travel_on_beside_ours() -> None:
    with Origin() as origin, data_path(token_api(origin.url), keys={"the-key": session("token")}) as path:
        get(path.url + "/token/", {"Authorization": "the-key"})
        assert origin.requests[0].value("authorization") == "the-key"
