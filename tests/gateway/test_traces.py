"""Every refusal and failure carries a trace, and the exchange keeps it for the log."""

import pytest

from propylon.telemetry.traces import made_at
from tests.kit.client import Client, get
from tests.kit.data_path import DataPath, data_path
from tests.kit.definitions import keyless_api, token_api
from tests.kit.origin import Origin

FIELD = "x-propylon-trace"


def trace_of(path: DataPath, url: str) -> str:
    """The one in the answer, which is that of the exchange."""
    answer = get(path.url + url)
    path.run(path.until_nothing_runs())
    trace = answer.value(FIELD)
    assert trace is not None
    assert path.recorded[-1].trace == trace
    return trace


@pytest.mark.parametrize("url", ["/token/", "/nowhere", "/gone/"])
def test_a_refusal_or_failure_carries_the_trace_that_is_logged(url: str) -> None:
    apis = (token_api("http://127.0.0.1:9"), keyless_api("http://nobody.invalid", "gone"))
    with data_path(*apis) as path:
        first, second = trace_of(path, url), trace_of(path, url)
        assert made_at(first) is not None
        assert first != second


def test_an_answer_of_the_upstream_carries_none() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path:
        assert get(path.url + "/keyless/").value(FIELD) is None
        path.run(path.until_nothing_runs())
        assert [one.trace for one in path.recorded] == [""]


def test_bytes_that_are_no_request_get_none_as_nothing_is_logged_of_them() -> None:
    with data_path() as path, Client(path.port) as client:
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        answer = client.read_response()
        assert (answer.status, answer.value(FIELD)) == (400, None)
