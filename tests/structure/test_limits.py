"""Every limit has a row in `docs/limits.md`, and a constant's row gives its value."""

import importlib
import re

import pytest

from propylon.settings import Settings
from tests.structure.project import ROOT

PAGE = (ROOT / "docs" / "limits.md").read_text()
CONSTANTS = re.findall(r"^\| `([\w/]+)\.py` \| `(\w+)` \| ([\d.,]+)(?: (\w+))? \|", PAGE, re.MULTILINE)
UNITS = {"": 1, "s": 1, "KiB": 1024, "MiB": 1024**2}


def test_every_setting_that_bounds_something_stands_among_the_limits() -> None:
    bounds = re.compile(r"_(max|bytes|s|per_s|in_flight|per_minute|days)$")
    assert not [name for name in Settings.model_fields if bounds.search(name) and f"| `{name}` |" not in PAGE]


@pytest.mark.parametrize(("module", "name", "number", "unit"), CONSTANTS)
def test_a_constant_is_what_its_row_says(module: str, name: str, number: str, unit: str) -> None:
    value = getattr(importlib.import_module(f"propylon.{module.replace('/', '.')}"), name)
    assert value == float(number.replace(",", "")) * UNITS[unit]
