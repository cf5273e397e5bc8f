"""What a session says about its policies and root limits."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from propylon.model.access_definition import ApiLimit, Smoothing
from propylon.model.session_record import Session, root_limit

INLINE = {"id": "p", "access_rights": {}}


@pytest.mark.parametrize(
    ("apply_policies", "apply_policy_id", "meta_data", "expected"),
    [
        ([], "", {}, ()),
        (["a", "b"], "", {}, ("a", "b")),
        ([], "old", {}, ("old",)),
        (["a"], "old", {}, ("a",)),
        (["a"], "old", {"policies": [INLINE]}, ()),
        (["a"], "", {"policies": ["x"]}, ("a",)),
        (["a"], "", {"policies": [INLINE, "x"]}, ("a",)),
        (["a"], "", {"policies": []}, ("a",)),
        (["a"], "", {"policies": INLINE}, ("a",)),
    ],
)
def test_policies_come_from_the_list_else_the_old_field_unless_they_are_inline(
    apply_policies: Sequence[str], apply_policy_id: str, meta_data: Mapping[str, Any], expected: tuple[str, ...]
) -> None:
    session = Session(apply_policies=apply_policies, apply_policy_id=apply_policy_id, meta_data=meta_data)
    assert session.policy_ids == expected
    assert bool(session.inline_policies) is (meta_data.get("policies") == [INLINE])


def test_the_root_limit_holds_the_numbers_of_the_root() -> None:
    smoothing = Smoothing(enabled=True)
    session = Session(
        rate=1,
        per=2,
        smoothing=smoothing,
        throttle_interval=3,
        throttle_retry_limit=4,
        max_query_depth=5,
        quota_max=6,
        quota_renews=7,
        quota_remaining=8,
        quota_renewal_rate=9,
    )
    assert root_limit(session) == ApiLimit(1, 2, smoothing, 3, 4, 5, 6, 7, 8, 9)
