"""`propylon drill rotate-issuer`, played for real once; and that it can fail."""

from collections.abc import Mapping
from http.client import HTTPMessage
from pathlib import Path
from typing import Any

from propylon.cli.calls import Answer
from propylon.cli.rotation import Rotation
from propylon.cli.trial_gateway import TrialGateway
from propylon.cli.trial_issuer import TrialIssuer
from tests.kit.command import propylon


class Credulous(TrialGateway):
    """Lets everybody in. Is never started."""

    def write(self, path: str, document: Mapping[str, Any]) -> None:
        """Takes everything."""

    def get(self, path: str, token: str) -> Answer:
        return Answer(200, b"{}", HTTPMessage())


def test_a_rotation_goes_well_with_real_settings(tmp_path: Path) -> None:
    """Of the file's settings those that tie a gateway to its place are left out: nothing listens at port 1."""
    config = tmp_path / "propylon.toml"
    config.write_text('listen = "127.0.0.1:1"\ndata_dir = "/nowhere"\ntls_key = "gone"\nhead_timeout_s = 3')
    ended = propylon("drill", "rotate-issuer", "--config", str(config), "--json")
    assert ended.code == 0, ended
    stages = ended.json()
    assert [stage["is_well"] for stage in stages] == [True] * 7
    assert any("refused" in seen for stage in stages for seen in stage["seen"])


def test_a_gateway_that_lets_everybody_in_fails_where_somebody_has_to_be_refused() -> None:
    with TrialIssuer() as issuer:
        stages = list(Rotation(issuer, Credulous(None, {})).play())
    assert [stage.is_well for stage in stages] == [True, True, False, False, False, False, False]


def test_settings_that_do_not_start_are_2_and_named(tmp_path: Path) -> None:
    config = tmp_path / "propylon.toml"
    for text, named in (("head_timeout_s = -1", "head_timeout_s"), ("=", "TOML")):
        config.write_text(text)
        ended = propylon("drill", "rotate-issuer", "--config", str(config))
        assert ended.code == 2
        assert named in ended.err
