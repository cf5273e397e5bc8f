"""Our own files, and those that make assets copies: named by their content, and missed aloud but once."""

import json
import logging
from pathlib import Path

import pytest

from propylon.dashboard.own_files import EXPECTED, HERE, OURS, OwnFiles, open_own_files


def test_the_name_of_a_file_changes_with_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a{}")
    before = OwnFiles(tmp_path).url("a.css")
    (tmp_path / "a.css").write_text("b{}")
    assert OwnFiles(tmp_path).url("a.css") != before


def test_nothing_but_styles_scripts_pictures_and_fonts_is_served(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("{}")
    assert "package.json" not in OwnFiles(tmp_path, tmp_path / "nothing")


def test_what_make_assets_did_not_copy_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        open_own_files(OURS)
    (said,) = caplog.messages
    assert all(name in said for name in EXPECTED)
    assert "make assets" in said


def test_the_lock_file_holds_a_hash_for_each_package_and_no_address() -> None:
    text = (HERE / "npm" / "package-lock.json").read_text()
    packages = {name: one for name, one in json.loads(text)["packages"].items() if name}
    assert len(packages) == 4
    assert all(one["integrity"].startswith("sha512-") for one in packages.values())
    assert "://" not in text
