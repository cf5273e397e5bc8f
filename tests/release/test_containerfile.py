"""The image, as far as its Containerfile says what it will be: nothing here builds it."""

import json
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import pytest

from propylon.settings import Settings, load_settings
from tests.release.fleet_example import compose, our_containers

ROOT = Path(__file__).parents[2]


class Instruction(NamedTuple):
    word: str
    rest: str


def instructions() -> list[Instruction]:
    """Lines that go on joined, without comments."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Containerfile").read_text(), flags=re.MULTILINE)
    lines = filter(None, re.sub(r"\s*\\\n\s*", " ", text).split("\n"))
    return [Instruction(*line.split(" ", 1)) for line in lines]


def last_stage() -> list[Instruction]:
    all_of = instructions()
    (*_, last) = (place for place, one in enumerate(all_of) if one.word == "FROM")
    return all_of[last:]


def said(word: str) -> str:
    """What the last stage says with this word, once."""
    (rest,) = [one.rest for one in last_stage() if one.word == word]
    return rest


def variables() -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in said("ENV").split())


def test_it_is_run_by_a_user_that_is_not_root_and_owns_the_volume() -> None:
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", said("USER"))
    user = said("USER").partition(":")[0]
    assert f"useradd --uid {user} " in said("RUN")
    assert f"install -d -o propylon -g propylon -m 0700 {said('VOLUME')}" in said("RUN")
    assert {one["spec"]["template"]["spec"]["securityContext"]["runAsUser"] for one, _ in our_containers()} == {
        int(user)
    }


def test_nothing_is_fetched_by_url_and_only_what_is_there_is_copied() -> None:
    assert {one.word for one in instructions()} <= {
        *("FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER"),
        *("VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"),
    }
    named = [path for one in instructions() if one.word == "COPY" for path in one.rest.split()[:-1]]
    copied = [path for path in named if not path.startswith(("--from", "/"))]
    assert copied == [path for path in copied if (ROOT / path).exists()] != []
    kept = [line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")]
    assert not [path for path in copied if not any(fnmatch(path, one) for one in kept)]


def test_the_last_stage_is_slim_and_installs_nothing() -> None:
    first, *rest = last_stage()
    assert first.rest == "python:3.11-slim"
    assert not [one for one in rest if one.word == "RUN" and re.search(r"\binstall (?!-d)|apt|gcc|make", one.rest)]
    assert "pip uninstall --yes pip setuptools wheel" in said("RUN")


def test_it_serves_with_settings_from_the_environment() -> None:
    assert (json.loads(said("ENTRYPOINT")), json.loads(said("CMD"))) == (["propylon"], ["serve"])
    ours = {name: text for name, text in variables().items() if name.startswith("PROPYLON_")}
    settings = load_settings(None, {**ours, "PROPYLON_SECRET": "a-secret-of-some-length"})
    assert isinstance(settings, Settings), settings
    assert settings.listen_address.port == int(said("EXPOSE"))
    assert str(settings.data_dir) == said("VOLUME") == said("WORKDIR")


def test_its_health_check_is_the_one_that_the_fleet_s_nodes_have() -> None:
    check = json.loads(re.sub(r"^.*? CMD ", "", said("HEALTHCHECK")))
    assert "/ready" in check[-1]
    assert f"'127.0.0.1', {said('EXPOSE')}" in check[-1]
    assert compose()["services"]["gateway-1"]["healthcheck"]["test"] == ["CMD", *check]


@pytest.mark.parametrize("word", ["ENTRYPOINT", "CMD", "HEALTHCHECK"])
def test_no_shell_stands_between_a_signal_and_the_program(word: str) -> None:
    assert re.search(r"\[\".+\"\]$", said(word))
