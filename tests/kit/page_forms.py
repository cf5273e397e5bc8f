"""A form as a browser without JavaScript would send it: what is ticked, chosen, written, and not switched off."""

from collections.abc import Mapping
from html.parser import HTMLParser

import httpx

from tests.kit.visitor import ORIGIN, Visitor

Sent = dict[str, str | list[str]]


class _Form:
    def __init__(self, action: str) -> None:
        self.action = action
        self.pairs: list[tuple[str, str]] = []


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[_Form] = []
        self._disabled = 0  # fieldsets around that are
        self._fieldsets: list[bool] = []
        self._area: str | None = None
        self._text: list[str] = []
        self._select: str | None = None
        self._options: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(_Form(given.get("action", "")))
        elif tag == "fieldset":
            self._fieldsets.append("disabled" in given)
        elif tag == "option":
            self._options.append((given.get("value", ""), "selected" in given))
        if not self.forms or "name" not in given or any(self._fieldsets):
            return
        if tag == "textarea":
            self._area, self._text = given["name"], []
        elif tag == "select":
            self._select, self._options = given["name"], []
        elif tag == "input" and (given.get("type") not in ("checkbox", "radio") or "checked" in given):
            self._add(given["name"], given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "fieldset" and self._fieldsets:
            self._fieldsets.pop()
        elif tag == "textarea" and self._area is not None:
            self._add(self._area, "".join(self._text).removeprefix("\n"))
            self._area = None
        elif tag == "select" and self._select is not None:
            chosen = [value for value, is_chosen in self._options if is_chosen] or [one for one, _ in self._options[:1]]
            self._add(self._select, chosen[0] if chosen else "")
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._text.append(data)

    def _add(self, name: str, value: str) -> None:
        self.forms[-1].pairs.append((name, value))


def fields_of(page: httpx.Response, action: str) -> Sent:
    """What the first form of the page that leads there would send; a name with several values has a list."""
    reader = _Reader()
    reader.feed(page.text)
    form = next(one for one in reader.forms if one.action == action and ("csrf", "") not in one.pairs)
    values: dict[str, list[str]] = {}
    for name, value in form.pairs:
        values.setdefault(name, []).append(value)
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}


def send(
    visitor: Visitor, page: httpx.Response, action: str, changes: Mapping[str, str | list[str] | None] | None = None
) -> httpx.Response:
    """The form with these fields otherwise; None leaves one out, as an unticked box does."""
    fields = {**fields_of(page, action), **(changes or {})}
    sent = {name: value for name, value in fields.items() if value is not None}
    return visitor.send("POST", action, {"Origin": ORIGIN}, data=sent)
