"""A node with tags serves the APIs that share one of them; a node without serves all."""

import pytest

from tests.kit.client import get
from tests.kit.definitions import keyless_api
from tests.kit.gateway import running_gateway
from tests.kit.origin import Origin

TAGGED = {
    "eu": {"tags": ["eu", "beta"]},
    "us": {"tags": ["us"]},
    "bare": {},
    "off": {"tags": ["eu"], "tags_disabled": True},
}


@pytest.mark.parametrize(("node_tags", "served"), [(["eu"], {"eu"}), (["beta", "us"], {"eu", "us"})])
def test_a_node_serves_the_apis_that_share_one_of_its_tags(node_tags: list[str], served: set[str]) -> None:
    with Origin() as origin:
        apis = [keyless_api(origin.url, api_id, **members) for api_id, members in TAGGED.items()]
        with running_gateway(apis, settings={"node_tags": node_tags}) as gateway:
            assert {api_id for api_id in TAGGED if get(f"{gateway.url}/{api_id}/").status == 200} == served
