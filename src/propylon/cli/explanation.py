"""An explanation of the Gateway API as a readable list: each step, the one that refused marked, and the verdict."""

from collections.abc import Mapping
from typing import Any, Final

from propylon.cli.printing import line

PASSED: Final = "ok"
REFUSED: Final = "NO"


def show_explanation(answer: Mapping[str, Any]) -> None:
    for step in answer.get("steps") or []:
        _show_step(step)
    _show_caller(answer.get("identity"), answer.get("session"))
    for meter in answer.get("meters") or []:
        line(f"meter    {meter['limit']}: {meter['remaining']} of {meter['max']} left, per {meter['period_s']:g} s")
    for note in answer.get("notes") or []:
        line(f"note     {note}")
    said = (answer["verdict"].get(name) for name in ("status", "reason", "message"))
    line(f"verdict  {' '.join(str(word) for word in said if word)}")


def _show_step(step: Mapping[str, Any]) -> None:
    words = [step.get(name) for name in ("step", "input", "rule")]
    line(f"{REFUSED if step.get('failed') else PASSED}  {' · '.join(str(word) for word in words if word)}")
    if because := step.get("because"):
        line(f"      {because}")


def _show_caller(identity: Mapping[str, Any] | None, session: Mapping[str, Any] | None) -> None:
    if identity is not None:
        line(f"caller   {identity.get('name') or identity.get('record')} ({identity.get('record')})")
    for text in dict.fromkeys(one["text"] for one in (session or {}).get("provenance") or []):
        line(f"session  {text}")
