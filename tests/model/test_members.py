"""JSON objects to dataclasses and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.model.members import Findings, join, mapping, named, read_record, secret, write_record, written_if_set


@dataclass(slots=True)
class Wheel:
    spokes: int = 0


@dataclass(slots=True)
class Cart:
    IGNORED: ClassVar[frozenset[str]] = frozenset({"weight_seen"})
    SECRET_HOLDERS: ClassVar[frozenset[str]] = frozenset({"lock_code"})

    name: str = ""
    load: float = 0
    count: int = 0
    is_open: bool = False
    is_sound: bool = True
    wheels: Sequence[Wheel] = ()
    by_side: Mapping[str, Wheel] = mapping()
    spare: Wheel | None = None
    labels: Sequence[str] = ()
    anything: Any = None
    lock_code: str = secret()
    made: str = written_if_set()
    record: str = named("_id")
    other: Mapping[str, Any] = mapping()


def read(document: object) -> tuple[Cart, Findings]:
    findings = Findings()
    return read_record(Cart, document, "", findings), findings


def test_every_kind_of_member_is_read() -> None:
    document = {
        **{"name": "a", "load": 1.5, "count": 2, "is_open": True, "is_sound": False, "wheels": [{"spokes": 8}]},
        **{"by_side": {"left": {"spokes": 9}}, "spare": {"spokes": 7}, "labels": ["x"], "anything": [1], "_id": "r"},
    }
    cart, findings = read(document)
    assert findings == Findings()
    assert cart == Cart(
        *("a", 1.5, 2, True, False, (Wheel(8),), {"left": Wheel(9)}, Wheel(7), ("x",), [1]),
        record="r",
    )


def test_null_means_absent() -> None:
    cart, findings = read(dict.fromkeys(["name", "load", "wheels", "by_side", "spare", "is_sound"]))
    assert (cart, findings) == (Cart(), Findings())


def test_every_fault_is_found_at_once_with_its_path() -> None:
    document = {
        **{"name": 1, "load": "2", "count": 1.0, "is_open": 0, "wheels": [{"spokes": "x"}, 3], "by_side": []},
        **{"labels": ["a", None]},
    }
    _, findings = read(document)
    assert [(problem.path, problem.message) for problem in findings.problems] == [
        ("name", "must be a text, not a whole number"),
        ("load", "must be a number, not a text"),
        ("count", "must be a whole number, not a number with a fraction"),
        ("is_open", "must be true or false, not a whole number"),
        ("wheels[0].spokes", "must be a whole number, not a text"),
        ("wheels[1]", "must be an object, not a whole number"),
        ("by_side", "must be an object, not a list"),
        ("labels[1]", "must be a text, not null"),
    ]


@pytest.mark.parametrize("empty", [0, "", False, [], {}, 0.0])
def test_an_empty_value_of_another_type_is_a_fault_too(empty: object) -> None:
    names = {"name": str, "count": int, "is_open": bool, "labels": list, "by_side": dict}
    for name, fitting in names.items():
        _, findings = read({name: empty})
        assert bool(findings.problems) is (type(empty) is not fitting), name


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, -(2**63) - 1, 2**63 - 1, 1e300])
def test_numbers_that_do_not_fit_the_wire_are_faults(value: float) -> None:
    assert read({"load": value})[1].problems[0].code == "out_of_range"


def test_half_a_surrogate_pair_is_a_fault() -> None:
    assert read({"name": "\ud800"})[1].problems[0].code == "not_unicode"
    assert read({"by_side": {"\ud800": {}}})[1].problems[0].code == "not_unicode"


@pytest.mark.parametrize("document", [None, [], "x", 1, True])
def test_anything_but_an_object_is_a_fault(document: object) -> None:
    assert read(document)[1].problems[0].message.startswith("must be an object, not ")


def test_an_unknown_member_is_reported_with_a_near_name_and_comes_back() -> None:
    cart, findings = read({"lable": 1, "labels": ["a"]})
    assert findings.warnings[0].path == "lable"
    assert findings.warnings[0].code == "unknown_field"
    assert findings.warnings[0].message.endswith("did you mean labels?")
    assert write_record(cart)["lable"] == 1


def test_a_misspelt_secret_is_reported_but_not_kept() -> None:
    cart, findings = read({"lock_cod": "1234"})
    assert "it was left out; did you mean lock_code?" in findings.warnings[0].message
    assert "1234" not in str(write_record(cart))


def test_a_secret_does_not_show_in_a_traceback() -> None:
    assert "1234" not in repr(Cart(lock_code="1234"))


def test_an_unknown_member_is_left_out_where_there_is_no_place_for_it() -> None:
    cart, findings = read({"spare": {"rim": 1}})
    assert findings.warnings[0].path == "spare.rim"
    assert "it was left out" in findings.warnings[0].message
    assert write_record(cart)["spare"] == {"spokes": 0}


def test_a_member_of_ours_is_passed_over_when_it_is_sent_back() -> None:
    cart, findings = read({"weight_seen": 3})
    assert findings == Findings()
    assert cart.other == {}


def test_everything_is_written_empty_or_not_but_what_must_not_be_empty() -> None:
    written = write_record(Cart())
    assert written["count"] == 0
    assert written["is_open"] is False
    assert written["labels"] == []
    assert written["by_side"] == {}
    assert written["spare"] is None
    assert "made" not in written
    assert write_record(Cart(made="x"))["made"] == "x"


def test_an_unknown_member_never_hides_a_known_one() -> None:
    assert write_record(Cart(name="a", other={"name": "b"}))["name"] == "a"


def test_a_whole_number_comes_back_without_a_fraction() -> None:
    assert repr(write_record(read({"load": 1000.0})[0])["load"]) == "1000"
    assert repr(write_record(read({"load": 2**53 + 1})[0])["load"]) == "9007199254740992"


def test_many_unknown_members_are_still_reported_one_by_one() -> None:
    _, findings = read({f"labels{number}": 1 for number in range(100)})
    assert len(findings.warnings) == 100
    assert sum("did you mean" in warning.message for warning in findings.warnings) == 20


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("ab1é\ud800", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab1é\ud800", max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([*Cart.__dataclass_fields__, "_id", "unknown"])


@given(st.dictionaries(NAMES, JSON))
def test_any_json_reads_without_raising_and_what_reads_comes_back(document: dict[str, Any]) -> None:
    cart, findings = read(document)
    if not findings.problems:
        assert read(write_record(cart))[0] == cart


def test_paths_are_joined_by_dots() -> None:
    assert (join("", "a"), join("a", "b")) == ("a", "a.b")
