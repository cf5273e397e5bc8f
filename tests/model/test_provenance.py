"""What is said of a merge: how values read, and who is named. Of whole sessions: `test_session_provenance.py`."""

import pytest

from propylon.model.access_definition import ApiLimit
from propylon.model.provenance import KEY, ROOT, Loser, MergeRecord, Provenance, limit_provenance, shown


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("rate", (100, 10), "100 per 10 s"),
        ("rate", (0.5, 1), "0.5 per 1 s"),
        ("rate", (0, 10), "not set"),
        ("rate", (-1, 10), "unlimited"),
        ("quota_max", (-1,), "unlimited"),
        ("quota_max", (1000000,), "1000000"),
        ("quota_renewal_rate", (-1,), "-1"),
    ],
)
def test_a_value_reads_as_people_say_it(field: str, value: tuple[float, ...], expected: str) -> None:
    assert shown(field, value) == expected


def test_a_text_names_the_winner_and_each_loser() -> None:
    losers = (Loser("policy b", "1 per 1 s", "is lower"), Loser("policy c", "2 per 1 s", "says the same"))
    told = Provenance("a", "rate", "2 per 1 s", "policy a", "P-16", losers)
    expected = "rate 2 per 1 s from policy a; policy b lost: 1 per 1 s is lower; policy c lost: 2 per 1 s says the same"
    assert told.text == expected


def test_what_no_policy_speaks_of_stays_the_keys() -> None:
    record = MergeRecord()
    record.begins(ApiLimit(rate=1, per=1))
    (told,) = record.provenance(())
    assert (told.api_id, told.field, told.source) == (ROOT, "rate", KEY)


def test_numbers_nobody_set_are_not_told() -> None:
    told = limit_provenance("a", ApiLimit(quota_max=5), KEY, "A-11")
    assert [one.field for one in told] == ["quota_max"]
