"""Which names a definition makes secret, beside those that always are."""

from typing import Any

import pytest

from propylon.model.api_definition import parse_api
from propylon.model.secret_names import ALWAYS, secret_names
from tests.kit.definitions import token_api


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"auth": {"auth_header_name": "X_Key"}}, {"x-key"}),
        ({"auth_configs": {"hmac": {"param_name": "Mac", "cookie_name": "c"}}}, {"mac", "c"}),
        ({"auth_configs": {"oauth": {"signature": {"header": "X-Signed", "param_name": "s"}}}}, {"x-signed", "s"}),
        ({"upstream_auth": {"basic_auth": {"header_name": "X-Up"}}}, {"x-up"}),
        ({"version_data": {"versions": {"v": {"global_headers": {"X-A": "s"}}}}}, {"x-a"}),
        ({"extended_paths": {"transform_response_headers": [{"add_headers": {"X-B": "s"}}]}}, {"x-b"}),
        ({"auth": {"auth_header_name": "", "param_name": None}, "name": "x", "add_headers": ["y"]}, set()),
    ],
)
def test_names_of_credentials_in_any_mode_and_of_added_headers_are_secret(
    document: dict[str, Any], named: set[str]
) -> None:
    assert secret_names(document, "") == ALWAYS | named


def test_parameters_of_the_target_are_secret_and_a_definition_brings_all_of_them() -> None:
    api = token_api("http://up.example/?appid=k&&V=1", auth_configs={"authToken": {"auth_header_name": "X-Mine"}})
    definition = parse_api(api, default_org_id="acme").definition
    assert definition is not None
    assert definition.secret_names == ALWAYS | {"appid", "v", "x-mine"}
