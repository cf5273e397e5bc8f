"""A setting that nobody reads would be a promise nobody keeps."""

import ast

from propylon.settings import Settings, settings_reference_markdown
from tests.structure.project import ROOT, modules, nodes, short_name

DERIVED = {
    "listen": "listen_address",
    "secret": "secret_text",
    "root_secret": "root_secret_text",
    "root_secret_other": "other_root_secret_text",
    "records_url": "records_path",
    "meters_url": "meters_dir",
    "control_listen": "control_address",
    "metrics_listen": "metrics_address",
    "dashboard_listen": "dashboard_address",
    "control_on_listen": "serves_control_on_listen",
    "tracing_endpoint": "tracing_url",
}
CHECKED_ONLY = {"role"}  # has one value; others are refused while loading


def test_every_setting_is_read_outside_of_its_room() -> None:
    outside = [path for path in modules() if not short_name(path).startswith("settings/")]
    read = {node.attr for path in outside for node in nodes(path) if isinstance(node, ast.Attribute)}
    assert not {name for name in set(Settings.model_fields) - CHECKED_ONLY if DERIVED.get(name, name) not in read}


def test_the_settings_page_is_made_from_the_settings() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == settings_reference_markdown(), "run make docs"
