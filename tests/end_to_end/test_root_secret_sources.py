"""Where a gateway has its root secrets from: a value, a file of its own, a command. What cannot be had is exit 2."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from propylon.settings import Settings
from propylon.startup import CannotStart, root_secrets
from propylon.stores.sealing import RootSecret
from tests.kit.gateway import SAFETY_S

CANARY, OTHER = "canary-root-secret-of-at-least-43-characters", "other-root-secret-of-at-least-43-characters!"


def python(code: str) -> str:
    return shlex.join([sys.executable, "-c", code])


PRINTS_CANARY = python(f"print({CANARY!r})")


def given(folder: Path, **settings: Any) -> tuple[str, str | None]:
    """The fingerprints of both."""
    current, other = root_secrets(Settings(secret="x" * 32, data_dir=folder, **settings))
    return current.fingerprint, None if other is None else other.fingerprint


def fingerprint(text: str) -> str:
    return RootSecret.from_text(text).fingerprint


def test_each_may_come_as_a_value_or_from_a_command(tmp_path: Path) -> None:
    both = (fingerprint(CANARY), fingerprint(OTHER))
    assert given(tmp_path, root_secret=CANARY, root_secret_other=OTHER) == both
    assert given(tmp_path, root_secret_command=PRINTS_CANARY, root_secret_other=OTHER) == both
    other_command = python(f"print({OTHER!r})")
    assert given(tmp_path, root_secret=CANARY, root_secret_other_command=other_command) == both
    assert [*tmp_path.iterdir()] == []


def test_where_nothing_is_given_there_is_one_in_the_data_folder(tmp_path: Path) -> None:
    made = given(tmp_path)
    assert made == given(tmp_path) == (fingerprint((tmp_path / "root_secret").read_text()), None)


def refusal(folder: Path, **settings: Any) -> str:
    with pytest.raises(CannotStart) as caught:
        given(folder, **settings)
    assert "canary" not in str(caught.value)
    return str(caught.value)


def test_what_a_command_prints_is_judged_as_a_value_is(tmp_path: Path) -> None:
    weak = refusal(tmp_path, root_secret_command=python("print('short')"))
    assert weak.startswith("root_secret_command: the root secret has 5 characters and needs at least 43")
    assert refusal(tmp_path, root_secret_other="r" * 64).startswith("root_secret_other: the root secret repeats")


def test_the_same_one_twice_is_refused_wherever_they_come_from(tmp_path: Path) -> None:
    why = refusal(tmp_path, root_secret_command=PRINTS_CANARY, root_secret_other=CANARY)
    assert why == "root_secret_other is root_secret itself; unset it, or give the one before or the next"


def test_a_command_that_fails_is_exit_2_with_its_code_and_its_first_line(tmp_path: Path) -> None:
    code = f"import sys; print({CANARY!r}); print('permission denied', file=sys.stderr); sys.exit(7)"
    environment = {
        "PATH": os.environ["PATH"],
        "PROPYLON_SECRET": "x" * 32,
        "PROPYLON_LISTEN": "127.0.0.1:0",
        "PROPYLON_DATA_DIR": str(tmp_path),
        "PROPYLON_ROOT_SECRET_COMMAND": python(code),
    }
    command = [sys.executable, "-m", "propylon.cli.main", "serve"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SAFETY_S, check=False)
    assert ended.returncode == 2
    assert ended.stderr == "propylon cannot start: root_secret_command ended with exit code 7: permission denied\n"
    assert not (tmp_path / "root_secret").exists()
