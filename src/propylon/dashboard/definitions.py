"""Definitions and policies as pages read and write them: through the resources of the control plane, with entity tags.

What a page asks before it writes is its own; that a write is refused is told here as values, so that the form comes
back with everything that was typed and each problem at its place.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from starlette.datastructures import QueryParams

from propylon.control import apis, policies
from propylon.control.answering import Resource
from propylon.control.envelope import Refused
from propylon.dashboard.asking import answer_of, ask
from propylon.dashboard.differences import Difference, differences
from propylon.dashboard.visit import Visit
from propylon.errors import Problem
from propylon.model.api_definition import extract_secrets
from propylon.model.permissions import Area
from propylon.stores.records.writes import FILE_PREFIX

Document = dict[str, Any]
CHANGED_MEANWHILE: Final = 412
NOT_A_RIGHT: Final = "Your role does not allow this"


class Kind(NamedTuple):
    """APIs or policies: what differs between them."""

    word: str
    base: str  # of their pages
    parameter: str  # of the resources' paths
    read: Resource
    change: Resource
    add: Resource
    remove: Resource


API: Final = Kind("API", "/apis", "api_id", apis.read, apis.change, apis.add, apis.remove)
POLICY: Final = Kind("policy", "/policies", "policy_id", policies.read, policies.change, policies.add, policies.remove)


class Stored(NamedTuple):
    document: Document  # as reads answer it: no secret is in it
    etag: str
    file: str  # that owns it, "" for none

    @property
    def name(self) -> str:
        return str(self.document.get("name") or self.document.get("api_id") or self.document.get("id"))


class Refusal(NamedTuple):
    """Why a write was not done. At 412 `changed` says what it would have replaced unseen."""

    status: int
    message: str
    problems: list[Problem]
    changed: list[Difference] = []
    etag: str = ""  # at 412: of what stands now

    @property
    def page_status(self) -> int:
        """Of the page that has the form again."""
        return CHANGED_MEANWHILE if self.etag else 422


class Written(NamedTuple):
    id: str
    said: str  # warnings of the write itself, as a link carries them


async def stored(visit: Visit, kind: Kind) -> Stored:
    """Raises Refused with 404."""
    id_ = visit.path["id"]
    answer = await answer_of(visit, kind.read, path={kind.parameter: id_})
    assert isinstance(answer.document, dict), "it is one object"
    find = visit.desk.records.api(id_) if kind is API else visit.desk.records.policy(id_, org_id=visit.who.org_id)
    row = await find
    origin = "" if row is None else row.origin
    file = origin.removeprefix(FILE_PREFIX) if origin.startswith(FILE_PREFIX) else ""
    return Stored(answer.document, answer.headers.get("ETag", ""), file)


async def save(
    visit: Visit, kind: Kind, document: Mapping[str, Any], etag: str, clear: Iterable[str] = ()
) -> Written | Refusal:
    """Replaces the stored one if it still is what `etag` names."""
    id_ = visit.path["id"]
    query = {"clear": ",".join(clear)} if clear else {}
    try:
        done = await ask(
            visit, kind.change, path={kind.parameter: id_}, query=query, body=document, if_match=etag, writes=True
        )
    except Refused as refused:
        if refused.status != CHANGED_MEANWHILE:
            return _refusal(refused)
        now = await stored(visit, kind)
        changed = shown_differences(now.document, document)
        return Refusal(CHANGED_MEANWHILE, "Somebody changed it meanwhile", [], changed, now.etag)
    return Written(id_, _said(done["warnings"]))


async def create(visit: Visit, kind: Kind, document: Mapping[str, Any]) -> Written | Refusal:
    try:
        done = await ask(visit, kind.add, body=document, writes=True)
    except Refused as refused:
        return _refusal(refused)
    return Written(done["key"], _said(done["warnings"]))


async def delete(visit: Visit, kind: Kind, etag: str) -> None:
    """Raises Refused."""
    await ask(visit, kind.remove, path={kind.parameter: visit.path["id"]}, if_match=etag, writes=True)


def may_write(visit: Visit, area: Area) -> bool:
    return bool(visit.who.permissions.allows(area, "write"))


def _refusal(refused: Refused) -> Refusal:
    if refused.status in (403, 404) or refused.status >= 500:
        raise refused
    problems = [Problem(one["path"], one["code"], one["message"]) for one in refused.members.get("problems", [])]
    return Refusal(refused.status, refused.message, problems)


def shown_differences(before: Mapping[str, Any], document: Mapping[str, Any]) -> list[Difference]:
    """What a write would change; of secrets that they are new, and no value."""
    open_part, secrets = extract_secrets(document)
    return [
        *differences({name: value for name, value in before.items() if name in document or value}, open_part),
        *(Difference(path, "", "a new secret") for path in secrets),
    ]


def pretty(document: object) -> str:
    """As people edit it."""
    return json.dumps(document, indent=2, ensure_ascii=False)


# -- what a write says that its page does not say by itself ----------------------------------------------------------

# By code: the page after the write tells it; a link carries code and field, never a text.
SAID_ONCE: Final[Mapping[str, str]] = {
    "secret_kept": "was kept as it is.",
    "secret_removed": "was removed together with the object that held it; write both again to have it back.",
    "secret_missing": "came as a fingerprint only; write the secret itself.",
    "signing_keys_ignored": "is set: JWT signing keys that grant this API are not looked at any more.",
}
SAID_MAX: Final = 20


def _said(warnings: list[dict[str, str]]) -> str:
    told = [one for one in warnings if one["code"] in SAID_ONCE]
    return ",".join(f"{one['code']}~{one['path']}" for one in told[:SAID_MAX])


def said_once(query: Mapping[str, str] | QueryParams) -> list[Problem]:
    found = []
    for one in query.get("said", "").split(",")[:SAID_MAX]:
        code, _, path = one.partition("~")
        if code in SAID_ONCE and path.replace(".", "").replace("_", "").isalnum():
            found.append(Problem(path, code, SAID_ONCE[code]))
    return found
