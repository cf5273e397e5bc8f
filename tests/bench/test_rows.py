"""The catalogue of rows holds together."""

import json

import pytest

from bench.gateway import CACHED_KEYS_MAX, COLD_KEYS, FRESH_TOKENS, VERIFIED_TOKENS_MAX, definitions, session
from bench.rows import CALLERS, ROWS, Row
from bench.table import Result, Sample, budgets
from bench.tokens import forged, hs256_token


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_row_has_callers(row: Row) -> None:
    assert row.callers in CALLERS


def test_paced_row_comes_after_the_row_it_is_paced_by() -> None:
    names = [row.name for row in ROWS]
    assert all(names.index(row.share.of) < names.index(row.name) for row in ROWS if row.share)


def test_every_path_of_propylon_has_its_definition() -> None:
    paths = {definition["proxy"]["listen_path"] for definition in definitions(origin=1)}
    asked = {f"/{row.path.split('/')[1]}/" for row in ROWS if row.proxy in ("propylon", "fleet")}
    assert asked == paths


def test_more_tokens_and_keys_rotate_than_the_caches_hold() -> None:
    assert FRESH_TOKENS > 2 * VERIFIED_TOKENS_MAX
    assert COLD_KEYS > 2 * CACHED_KEYS_MAX


def test_definitions_and_sessions_are_json() -> None:
    assert json.loads(json.dumps([*definitions(origin=1), session(["key"])]))


def test_forged_token_differs_in_its_payload_alone() -> None:
    header, payload, signature = (token := hs256_token("kid")).split(".")
    other_header, other_payload, other_signature = forged(token).split(".")
    assert (header, signature) == (other_header, other_signature)
    assert payload != other_payload


def test_budgets_name_rows_that_exist() -> None:
    results = {row.name: Result(row.title, (Sample(1, 1, 1, 1),)) for row in ROWS}
    assert all(goal.measured is not None for goal in budgets(results))
