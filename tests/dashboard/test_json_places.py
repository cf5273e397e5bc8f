"""Where a problem's field stands in a JSON text: its pointer and its line."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.dashboard.json_places import Place, Places

TEXT = """{
  "proxy": {
    "listen_path": "/a/"
  },
  "jwt_issuers": [
    {"issuer": "x"},
    {"issuer": "y", "key": ""}
  ],
  "access_rights": {"an.api": {"allowed_urls": [
    {"url": "("}]}},
  "a/b~c": true
}"""


@pytest.mark.parametrize(
    ("path", "pointer", "line"),
    [
        ("proxy.listen_path", "/proxy/listen_path", 3),
        ("jwt_issuers.1.key", "/jwt_issuers/1/key", 7),
        ("access_rights.an.api.allowed_urls[0].url", "/access_rights/an.api/allowed_urls/0/url", 10),
        ("a/b~c", "/a~1b~0c", 11),
        ("proxy.target_url", "/proxy", 2),
        ("jwt_issuers.0.key", "/jwt_issuers/0", 6),
        ("nothing", "", 1),
        ("", "", 1),
    ],
)
def test_a_field_is_found_at_its_line_and_a_missing_one_at_what_is_around_it(
    path: str, pointer: str, line: int
) -> None:
    assert Places(TEXT).of(path) == Place(pointer, line)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.sampled_from([None, 2]), st.booleans())
def test_every_pointer_leads_to_a_value_of_the_document(document: Any, indent: int | None, ascii: bool) -> None:
    places = Places(json.dumps(document, indent=indent, ensure_ascii=ascii))
    for path, (pointer, _) in places._at.items():
        node = document
        for token in pointer.split("/")[1:]:
            name = token.replace("~1", "/").replace("~0", "~")
            node = node[int(name)] if isinstance(node, list) else node[name]
        assert places.of(path).line >= 1
