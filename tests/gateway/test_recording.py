"""Exchanges recorded whole: what passed is told, what passes is not changed by it, and no secret is in it."""

import base64
import gzip
import json
import zlib
from typing import Any

import pytest

from tests.kit.answers import Answer, Call, chunked, cut, echo, raw, reply, stall, upgrade_echo
from tests.kit.client import Client, get, post, request
from tests.kit.data_path import data_path
from tests.kit.definitions import jwt_api, keyless_api, session, token_api
from tests.kit.origin import Origin
from tests.kit.recording import headers_of, recorded_of, recording_of
from tests.kit.tokens import hs256

ON = {"enable_detailed_recording": True}
KEPT = 4096  # recorded_body_max_bytes, as it is by default
SECRET = "canary/secret+0123456789=="
JWT_SECRET = "a secret of the upstream's own key, long enough"


def test_both_messages_are_told_as_they_were_received_and_sent() -> None:
    with (
        Origin(reply(201, b"made", ((b"X-Made", b"yes"),))) as origin,
        data_path(keyless_api(origin.url, **ON)) as path,
    ):
        post(path.url + "/keyless/a?b=1", b"a body", {"X-Mine": "1"})
        told = recording_of(path)
    asked, said = told["request"], told["response"]
    assert asked["line"] == "POST /keyless/a?b=1 HTTP/1.1"
    assert (headers_of(asked)["x-mine"], asked["body"], asked["body_bytes"]) == ("1", "a body", 6)
    assert (said["line"], headers_of(said)["x-made"]) == ("HTTP/1.1 201 Created", "yes")
    assert (said["body"], said["body_is"], said["body_bytes"], said["body_cut"]) == ("made", "text", 4, False)


def test_an_api_that_does_not_ask_for_it_is_not_recorded() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url), token_api(origin.url)) as path:
        get(path.url + "/keyless/")
        assert (path.recorded[-1].recording, recorded_of(path)) == (None, None)
        get(path.url + "/token/")  # refused, by an answer of our own
        assert recorded_of(path) is None


@pytest.mark.parametrize("member", ["enable_detail_recording", "enable_detailed_recording"])
def test_a_key_that_asks_for_it_is_recorded_on_any_api_and_other_keys_are_not(member: str) -> None:
    keys = {"watched": session("token", **{member: True}), "unwatched": session("token")}
    with Origin() as origin, data_path(token_api(origin.url), keys=keys) as path:
        get(path.url + "/token/", {"Authorization": "watched"})
        assert recording_of(path)["response"]["body"] == "hello"
        get(path.url + "/token/", {"Authorization": "unwatched"})
        assert recorded_of(path) is None
        path.put_key("watched", session("token", is_inactive=True, **{member: True}))
        get(path.url + "/token/", {"Authorization": "watched"})
        assert recording_of(path)["response"]["line"] == "HTTP/1.1 403 Forbidden"


def test_chunked_bodies_pass_in_their_pieces_and_are_told_without_their_framing() -> None:
    pieces = [b"one", b"two", b"x" * KEPT]
    with (
        Origin(chunked(pieces)) as origin,
        data_path(keyless_api(origin.url, **ON)) as path,
        Client(path.port) as client,
    ):
        client.send(b"POST /keyless/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.send(b"3\r\nabc\r\n")
        client.send(b"2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n")
        assert client.read_response().body == b"".join(pieces)
        assert bytes(origin.requests[0].body) == b"abcde"
        client.send(b"GET /keyless/ HTTP/1.1\r\nHost: x\r\n\r\n")  # on the same connection
        assert client.read_response().status == 200
        told = recording_of(path, 0)
    assert (told["request"]["body"], told["request"]["body_bytes"]) == ("abcde", 5)
    said = told["response"]
    assert (len(said["body"]), said["body_bytes"], said["body_cut"]) == (KEPT, KEPT + 6, True)
    assert said["body"].startswith("onetwoxxx")
    assert headers_of(said)["transfer-encoding"] == "chunked"


def test_a_long_request_is_told_in_its_beginning_and_sent_on_whole() -> None:
    body = bytes(range(97, 123)) * 40_000
    with Origin(echo()) as origin, data_path(keyless_api(origin.url, **ON)) as path:
        assert post(path.url + "/keyless/", body).body == body
        told = recording_of(path)
    for message in (told["request"], told["response"]):
        assert (message["body"], message["body_bytes"]) == (body[:KEPT].decode(), len(body))
        assert message["body_cut"]


@pytest.mark.parametrize(
    ("method", "answer", "status"),
    [
        ("HEAD", reply(200, b"never sent"), 200),
        ("GET", raw(b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'), 304),
        ("GET", raw(b"HTTP/1.1 204 No Content\r\n\r\n"), 204),
        ("POST", reply(200, b""), 200),
    ],
)
def test_an_answer_without_a_body_has_none(method: str, answer: Answer, status: int) -> None:
    with Origin(answer) as origin, data_path(keyless_api(origin.url, **ON)) as path:
        assert request(method, path.url + "/keyless/", b"" if method == "POST" else None).status == status
        told = recording_of(path)
    assert [(one["body"], one["body_bytes"], one["body_cut"]) for one in told.values()] == [("", 0, False)] * 2
    assert told["response"]["line"].startswith(f"HTTP/1.1 {status} ")


def test_what_passed_before_an_upstream_failed_inside_its_answer_is_told() -> None:
    answer = cut(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it")
    with Origin(answer) as origin, data_path(keyless_api(origin.url, **ON)) as path, Client(path.port) as client:
        client.send(b"GET /keyless/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.read_until(b"half of it")
        client.expect_end()
        said = recording_of(path)["response"]
        assert path.recorded[0].failure
    assert (said["body"], said["body_bytes"], headers_of(said)["content-length"]) == ("half of it", 10, "100")


def test_a_body_that_is_too_large_is_told_with_our_answer() -> None:
    api = keyless_api("http://127.0.0.1:9", **ON)
    with data_path(api, request_body_max_bytes=10) as path:
        assert post(path.url + "/keyless/", b"eleven byte").status == 413
        told = recording_of(path)
    assert told["response"]["line"].startswith("HTTP/1.1 413 ")
    assert json.loads(told["response"]["body"])["error"]
    assert told["request"]["body_bytes"] == 0, "nothing of it was taken"


def test_an_upstream_that_is_not_there_is_told_with_our_answer() -> None:
    with data_path(keyless_api("http://127.0.0.1:9", **ON)) as path:
        assert get(path.url + "/keyless/").status == 502
        assert recording_of(path)["response"]["line"].startswith("HTTP/1.1 502 ")


def test_a_client_that_leaves_before_an_answer_was_sent_none() -> None:
    with Origin(stall()) as origin, data_path(keyless_api(origin.url, **ON)) as path:
        with Client(path.port) as client:
            client.send(b"GET /keyless/ HTTP/1.1\r\nHost: x\r\n\r\n")
            origin.wait_for(1)
            client.reset()
        path.run(path.until_nothing_runs())
        assert recording_of(path)["response"] is None
        origin.release()


def test_a_body_is_asked_for_as_without_a_recording_and_the_interim_answer_is_not_told() -> None:
    with Origin(echo()) as origin, data_path(keyless_api(origin.url, **ON)) as path, Client(path.port) as client:
        client.send(b"POST /keyless/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert client.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        client.send(b"hello")
        assert client.read_response().body == b"hello"
        told = recording_of(path)
    assert (told["request"]["body"], told["response"]["line"]) == ("hello", "HTTP/1.1 200 OK")


def test_of_a_tunnel_the_heads_are_told_and_no_byte_that_passes_it() -> None:
    asked = b"GET /keyless/?token=canary-ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    with Origin(upgrade_echo(b"websocket")) as origin, data_path(keyless_api(origin.url, **ON)) as path:
        with Client(path.port) as client:
            client.send(asked)
            assert client.read_response().status == 101
            client.send(b"\x00frame")
            client.expect(b"\x00frame")
            client.half_close()
            client.expect_end()
        told = recording_of(path)
    assert told["request"]["line"] == "GET /keyless/?token=*** HTTP/1.1"
    assert told["response"]["line"].startswith("HTTP/1.1 101 ")
    assert [(one["body"], one["body_bytes"]) for one in told.values()] == [("", 0)] * 2


def test_bytes_that_are_no_text_are_told_as_base64_and_headers_all_the_same() -> None:
    body = b"\xff\x00\xfe"
    answer = reply(200, body, ((b"X-Name", b"caf\xe9"), (b"X-Utf8", "café".encode())))
    with Origin(answer) as origin, data_path(keyless_api(origin.url, **ON)) as path:
        get(path.url + "/keyless/")
        said = recording_of(path)["response"]
    assert (said["body_is"], base64.b64decode(said["body"])) == ("base64", body)
    assert (headers_of(said)["x-name"], headers_of(said)["x-utf8"]) == ("café", "café")


def test_an_encoded_body_is_told_as_it_was_with_its_encoding() -> None:
    body = gzip.compress(b"hello")
    answer = reply(200, body, ((b"Content-Encoding", b"gzip"),))
    with Origin(answer) as origin, data_path(keyless_api(origin.url, **ON)) as path:
        assert get(path.url + "/keyless/").body == body
        said = recording_of(path)["response"]
    assert (said["content_encoding"], base64.b64decode(said["body"])) == ("gzip", body)


@pytest.mark.parametrize(
    ("encoding", "body", "is_kept"),
    [
        (b"gzip", gzip.compress(b"hello", mtime=0), True),
        (b"deflate", zlib.compress(b"hello"), True),
        (b"GZIP", gzip.compress(b"you sent " + SECRET.encode(), mtime=0), False),
        (b"deflate", zlib.compress(json.dumps(SECRET.replace("/", "\\/")).encode()), False),
        (b"br", b"hello", False),
        (b"gzip", b"hello", False),
        (b"gzip", gzip.compress(b"0" * 1_000_000, mtime=0), False),
        (b"gzip, gzip", gzip.compress(gzip.compress(b"hello", mtime=0), mtime=0), False),
        (b"identity", b"hello", True),
    ],
)
def test_an_encoded_body_is_kept_where_it_is_known_not_to_hold_the_credential(
    encoding: bytes, body: bytes, is_kept: bool
) -> None:
    answer = reply(200, body, ((b"Content-Encoding", encoding),))
    with Origin(answer) as origin, data_path(token_api(origin.url, **ON), keys={SECRET: session("token")}) as path:
        assert get(path.url + "/token/", {"Authorization": SECRET}).body == body
        said = recording_of(path)["response"]
    is_plain = encoding == b"identity"
    assert said["body_is"] == ("text" if is_plain else "base64")
    kept = said["body"].encode() if is_plain else base64.b64decode(said["body"])
    assert (kept, said["body_cut"], said["body_bytes"]) == (body if is_kept else b"", not is_kept, len(body))


def test_a_character_that_the_cut_has_halved_does_not_make_a_text_binary() -> None:
    body = b"x" * (KEPT - 1) + "é and more".encode()
    with Origin(reply(200, body)) as origin, data_path(keyless_api(origin.url, **ON)) as path:
        get(path.url + "/keyless/")
        said = recording_of(path)["response"]
    assert (said["body_is"], said["body"]) == ("text", "x" * (KEPT - 1))


SOURCES = {
    "header": ({}, {"Authorization": f"Bearer {SECRET}"}, ""),
    "own header": ({"auth_header_name": "X-Our_Key"}, {"X-Our_Key": SECRET}, ""),
    "query": ({"use_param": True, "param_name": "k"}, {}, f"?a=1&k={SECRET.replace('+', '%2B')}&b=2"),
    "query, spelled otherwise": ({"use_param": True, "param_name": "k"}, {}, f"?%6b={SECRET.replace('+', '%2B')}"),
    "cookie": ({"use_cookie": True, "cookie_name": "c"}, {"Cookie": f"theme=dark; c={SECRET.replace('+', '%2B')}"}, ""),
}


async def say_all_of_it(call: Call) -> None:
    """An upstream that writes what it was sent wherever it can, as test services do."""
    everything = call.request.head.split(b"\r\n\r\n")[0].replace(b"\r\n", b" | ")
    sent_to = b"https://user:pass@elsewhere/login?next=1&%b" % call.request.target.partition("?")[2].encode()
    body = json.dumps(
        {"echo": everything.decode("latin-1"), "in json": json.dumps(SECRET.replace("/", "\\/"))}
    ).encode()
    await call.send(
        b"HTTP/1.1 302 Found\r\nLocation: %b\r\nX-Echo: %b\r\nSet-Cookie: sid=canary-session-of-upstream; Path=/\r\n"
        % (sent_to, everything)
    )
    await call.send(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("is_known", [True, False])
def test_a_credential_is_nowhere_in_it_whatever_it_came_by(source: str, is_known: bool) -> None:
    auth, fields, query = SOURCES[source]
    configs = {"authToken": {"auth_header_name": "Authorization", **auth}}
    keys = {SECRET: session("token")} if is_known else {}
    with (
        Origin(say_all_of_it) as origin,
        data_path(token_api(origin.url, auth_configs=configs, **ON), keys=keys) as path,
    ):
        answer = get(f"{path.url}/token/x{query}", fields)
        assert answer.status == (302 if is_known else 403)
        told = json.dumps(recording_of(path)).replace("\\\\", "\\")
    assert "***" in told
    for part in (SECRET, SECRET.rstrip("="), "canary", "0123456789", "user:pass"):
        assert part not in told, told


def test_a_token_is_nowhere_in_it_and_the_scheme_says_what_was_there() -> None:
    token = hs256({"sub": "x"}, JWT_SECRET, kid="signer")
    keys = {"signer": session("jwt", jwt_data={"secret": JWT_SECRET})}
    with Origin(say_all_of_it) as origin, data_path(jwt_api(origin.url, **ON), keys=keys) as path:
        assert get(path.url + "/jwt/", {"Authorization": f"Bearer {token}"}).status == 302
        told = recording_of(path)
    assert headers_of(told["request"])["authorization"] == "Bearer ***"
    assert not any(part in json.dumps(told) for part in token.split("."))


def test_a_credential_that_the_bound_of_a_body_cuts_is_not_told_in_part() -> None:
    body = b"x" * (KEPT - 10) + SECRET.encode() + b"rest"
    keys = {SECRET: session("token")}
    with Origin(reply(200, body)) as origin, data_path(token_api(origin.url, **ON), keys=keys) as path:
        get(path.url + "/token/", {"Authorization": SECRET})
        said = recording_of(path)["response"]
    assert said["body"] == "x" * (KEPT - 10) + "***"


def test_an_exchange_whose_api_was_changed_meanwhile_is_not_told_under_other_names_of_secrets() -> None:
    with (
        Origin(stall(b"", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as origin,
        data_path(keyless_api(origin.url, **ON)) as path,
        Client(path.port) as client,
    ):
        client.send(b"GET /keyless/ HTTP/1.1\r\nHost: x\r\n\r\n")
        origin.wait_for(1)
        path.put_api(keyless_api(origin.url, name="another", **ON))
        get(path.url + "/nowhere")  # a refusal looks for changes
        origin.release()
        assert client.read_response().status == 200
        recorded = recorded_of(path)
    assert isinstance(recorded, str)
    assert "its API was changed" in recorded


def test_more_cookies_than_can_be_looked_for_leave_nothing_told() -> None:
    cookies = "; ".join(f"c{number}=value-{number:04}" for number in range(80))
    with Origin() as origin, data_path(keyless_api(origin.url, **ON)) as path:
        get(path.url + "/keyless/", {"Cookie": cookies})
        assert isinstance(recorded_of(path), str)


@pytest.mark.parametrize("is_tracked", [True, False])
def test_a_client_sees_the_same_bytes_whether_it_is_recorded_or_not(is_tracked: bool) -> None:
    answer = raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n")

    def seen(**flags: Any) -> bytes:
        with (
            Origin(answer) as origin,
            data_path(keyless_api(origin.url, **flags)) as path,
            Client(path.port) as client,
        ):
            client.send(b"GET /keyless/ HTTP/1.1\r\nHost: x\r\n\r\nGET /keyless/b HTTP/1.0\r\nHost: x\r\n\r\n")
            return client.read_to_end()

    assert seen(**ON, do_not_track=not is_tracked) == seen()
