"""TLS on both sides: what clients connect to, and which upstreams are believed."""

import ssl
from pathlib import Path

import pytest

from propylon.gateway.listener import server_tls
from tests.kit.answers import upgrade_echo
from tests.kit.certificates import Authority
from tests.kit.client import Client, get, request
from tests.kit.data_path import data_path
from tests.kit.definitions import keyless_api
from tests.kit.origin import Origin


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.path))
    return made


def test_clients_are_served_over_tls_and_the_upstream_is_told(authority: Authority) -> None:
    tls = server_tls(*authority.issue())
    with Origin() as origin, data_path(keyless_api(origin.url), tls=tls) as path:
        answer = request("GET", path.url + "/keyless/", tls=authority.client_context())
        assert answer.body == b"hello"
        assert origin.requests[0].value("x-forwarded-proto") == "https"


def test_a_tls_connection_is_kept_and_pipelines(authority: Authority) -> None:
    tls = server_tls(*authority.issue())
    with (
        Origin() as origin,
        data_path(keyless_api(origin.url), tls=tls) as path,
        Client(path.port, tls=authority.client_context()) as client,
    ):
        client.send(b"GET /keyless/ HTTP/1.1\r\nHost: x\r\n\r\n" * 5)
        assert [client.read_response().body for _ in range(5)] == [b"hello"] * 5


def test_a_tunnel_works_over_tls(authority: Authority) -> None:
    tls = server_tls(*authority.issue())
    with (
        Origin(upgrade_echo(b"websocket")) as origin,
        data_path(keyless_api(origin.url), tls=tls) as path,
        Client(path.port, tls=authority.client_context()) as client,
    ):
        client.send(b"GET /keyless/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert client.read_response().status == 101
        client.send(b"frame")
        client.expect(b"frame")


def test_tls_below_1_2_is_not_spoken(authority: Authority) -> None:
    tls = server_tls(*authority.issue())
    assert tls.minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_client_that_speaks_no_tls_is_let_go_and_harms_nobody(authority: Authority) -> None:
    tls = server_tls(*authority.issue())
    with Origin() as origin, data_path(keyless_api(origin.url), tls=tls) as path, Client(path.port) as client:
        client.send(b"GET /keyless/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200" not in client.read_to_end()
        assert request("GET", path.url + "/keyless/", tls=authority.client_context()).status == 200


def test_an_upstream_with_a_certificate_of_an_authority_we_know_is_believed(authority: Authority) -> None:
    with Origin(tls=server_tls(*authority.issue())) as origin, data_path(keyless_api(origin.url)) as path:
        assert [get(path.url + "/keyless/").body for _ in range(2)] == [b"hello"] * 2
        assert origin.connections == 1


def test_an_upstream_whose_certificate_names_another_host_is_a_502(authority: Authority) -> None:
    with Origin(tls=server_tls(*authority.issue("127.0.0.2"))) as origin, data_path(keyless_api(origin.url)) as path:
        assert get(path.url + "/keyless/").status == 502
        assert path.recorded[0].failure == "upstream_tls"
        assert not origin.requests


def test_an_upstream_with_a_certificate_of_a_stranger_is_a_502_unless_told_otherwise(tmp_path: Path) -> None:
    stranger = server_tls(*Authority(tmp_path).issue())
    lax = {"transport": {"ssl_insecure_skip_verify": True}}
    with Origin(tls=stranger) as origin:
        strict_api = keyless_api(origin.url)
        lax_api = keyless_api(origin.url, "lax")
        lax_api["proxy"] |= lax
        with data_path(strict_api, lax_api) as path:
            assert get(path.url + "/keyless/").status == 502
            assert get(path.url + "/lax/").status == 200
            assert get(path.url + "/keyless/").status == 502  # connections are not shared between the two
