"""What usage is told of an API: its organisation, the version that is served, its tags."""

import pytest

from propylon.exchange import UNTRACKED, ApiFacts
from propylon.model.api_definition import parse_api
from propylon.snapshot.route import facts_of
from tests.kit.definitions import keyless_api


@pytest.mark.parametrize(
    ("versions", "version"),
    [
        ({"not_versioned": True}, "Non Versioned"),
        ({"not_versioned": False, "default_version": "v2", "versions": {"v2": {"name": "v2"}}}, "v2"),
        ({"not_versioned": False, "versions": {"Default": {"name": "Default"}}}, "Default"),
    ],
)
def test_the_version_is_named_as_tyk_names_it(versions: dict[str, object], version: str) -> None:
    document = keyless_api("http://127.0.0.1:1", version_data=versions, tags=["eu"])
    definition = parse_api(document, default_org_id="acme").definition
    assert definition is not None
    assert facts_of(definition) == ApiFacts("default", version, ("eu",))


def test_an_api_that_is_not_to_be_tracked_has_no_facts() -> None:
    definition = parse_api(keyless_api("http://127.0.0.1:1", do_not_track=True), default_org_id="acme").definition
    assert definition is not None
    assert facts_of(definition) is UNTRACKED
