"""How `examples/fleet/` is read: each of its three variants as the programs it runs, with their environments."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

FOLDER = Path(__file__).parents[2] / "examples" / "fleet"
UNITS = FOLDER / "systemd"
MANIFESTS = FOLDER / "kubernetes"
NODES = 2  # of each role, as the page says; systemd's units are made for any number

Environment = Mapping[str, str]
Unit = list[tuple[str, str]]  # name and value of each line, in order


class Program(NamedTuple):
    """One node, or the migration (whose role is not set)."""

    name: str
    command: str  # of propylon
    environment: Environment
    health: str  # how it is asked whether it is well, as written there


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((FOLDER / "compose.yaml").read_text()))


def manifests() -> list[dict[str, Any]]:
    return [one for path in sorted(MANIFESTS.glob("*.yaml")) for one in yaml.safe_load_all(path.read_text())]


def unit(name: str) -> Unit:
    lines = (UNITS / name).read_text().splitlines()
    return [(line.partition("=")[0], line.partition("=")[2]) for line in lines if re.match(r"\w+=", line)]


def of_compose() -> list[Program]:
    ours = {name: one for name, one in compose()["services"].items() if one["image"] == "propylon"}
    return [
        Program(name, " ".join(one.get("command", ["serve"])), one["environment"], str(one.get("healthcheck")))
        for name, one in ours.items()
    ]


def of_kubernetes() -> list[Program]:
    """A Deployment is as many programs as it has replicas."""
    settings = next(
        one["data"] for one in manifests() if one["kind"] == "ConfigMap" and one["metadata"]["name"] != "redis"
    )
    return [
        Program(f"{one['metadata']['name']}-{number}", " ".join(pod.get("args", ["serve"])), settings | own, probe)
        for one, pod in our_containers()
        for own in [{variable["name"]: variable["value"] for variable in pod.get("env", ())}]
        for probe in [str(pod.get("readinessProbe"))]
        for number in range(one["spec"].get("replicas", 1))
    ]


def our_containers() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Job or Deployment, and its container."""
    for one in manifests():
        containers = one.get("spec", {}).get("template", {}).get("spec", {}).get("containers", ())
        yield from ((one, container) for container in containers if container["image"] == "propylon")


def of_systemd() -> list[Program]:
    return [
        _of_unit("propylon-migrate.service", ""),
        *(_of_unit(f"propylon-{role}@.service", str(1 + n)) for role in ("control", "gateway") for n in range(NODES)),
    ]


def _of_unit(name: str, instance: str) -> Program:
    lines = [(key, value.replace("%i", instance).replace("%d", "/run/secrets")) for key, value in unit(name)]
    pairs = [pair for key, value in lines if key == "Environment" for pair in value.split()]
    files = [path for key, path in lines if key == "EnvironmentFile"]
    pairs += [line for path in files for line in (UNITS / Path(path).name).read_text().splitlines() if "=" in line]
    started = next(value for key, value in lines if key == "ExecStart")
    health = " ".join(value for key, value in lines if key == "ExecStartPost")
    environment = dict(pair.split("=", 1) for pair in pairs if not pair.startswith("#"))
    return Program(name.replace("@", f"@{instance}"), started.partition(" ")[2], environment, health)


VARIANTS = {"compose": of_compose, "kubernetes": of_kubernetes, "systemd": of_systemd}
