"""What the log would keep of an exchange that a data path has served, made by the product's own recorder."""

from typing import Any

from propylon.usage.recorded import Recorded, Recorder, as_document
from tests.kit.data_path import DataPath


def recorded_of(path: DataPath, place: int = -1) -> Recorded | str | None:
    path.run(path.until_nothing_runs())
    return Recorder(path.parts.follow.definition_of)(path.recorded[place])


def recording_of(path: DataPath, place: int = -1) -> dict[str, Any]:
    """As JSON; fails where there is none."""
    recorded = recorded_of(path, place)
    assert isinstance(recorded, Recorded), recorded
    return as_document(recorded)


def headers_of(message: dict[str, Any]) -> dict[str, str]:
    """By lower-case name; of a name that came twice, the last."""
    return {name.lower(): value for name, value in message["headers"]}
