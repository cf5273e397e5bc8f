"""The table of reasons speaks of every reason there is."""

import re

from propylon.control.refusals import REFUSALS
from tests.structure.project import ROOT


def test_every_reason_that_is_documented_has_a_step_and_a_because() -> None:
    text = (ROOT / "docs" / "reasons.md").read_text()
    assert set(re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE)) == set(REFUSALS)
