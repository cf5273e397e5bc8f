import pytest

from tests.kit.client import get
from tests.kit.gateway import running_gateway


def test_a_gateway_that_does_not_start_fails_with_what_it_said() -> None:
    with pytest.raises(AssertionError, match=r"not ready(.|\n)*role"), running_gateway(settings={"role": "gateway"}):
        pass


def test_a_gateway_starts_answers_stops_and_starts_again_on_its_folder() -> None:
    with running_gateway() as gateway:
        assert get(f"{gateway.url}/hello").status == 200
        gateway.stop()
        gateway.start()
        assert gateway.api("GET", "/tyk/apis").json() == []
        assert gateway.api("GET", "/tyk/apis", secret="wrong").status == 403
