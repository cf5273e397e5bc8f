"""Warnings of the control plane on pages: at once, or on the page that a form leads to.

A link carries only the words of warnings that speak of the change itself; all others are seen from what is stored, and
stand on the key's page as long as they are true.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from propylon.dashboard.key_choices import Choices

OF_A_CHANGE: Final[Mapping[str, str]] = {
    "key_id_was_public": (
        "The key's ID is a credential from now on, and it stood readable in tokens: make a key with a fresh ID."
    ),
    "ring_replaced": "The secret was replaced, which ended all before it at once. A rotation lets them overlap.",
    "policy_inactive": "It stays refused all the same: one of its policies denies access to every key under it.",
}


def said(warnings: Iterable[Mapping[str, str]], choices: Choices) -> list[str]:
    """With APIs by name."""
    return [_sentence(one, choices) for one in warnings]


def said_later(warnings: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """For the query of the page that follows."""
    codes = dict.fromkeys(one["code"] for one in warnings if one["code"] in OF_A_CHANGE)
    return {"warned": ",".join(codes)} if codes else {}


def said_before(query: Mapping[str, str]) -> list[str]:
    """What `said_later` put there."""
    return [OF_A_CHANGE[code] for code in query.get("warned", "").split(",") if code in OF_A_CHANGE]


def _sentence(warning: Mapping[str, str], choices: Choices) -> str:
    api = choices.apis.get(warning["path"].removeprefix("access_rights."))
    subject = warning["path"] if api is None else api.name
    message = warning["message"]
    return f"{subject} {message}{'' if message.endswith('.') else '.'}".strip()
