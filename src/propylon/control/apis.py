"""/tyk/apis: API definitions in the classic form (gateway-api.md §4). Live when answered.

One that cannot be served replaces nothing: the judgement is the one workers compile with.
"""

import json
import re
from secrets import token_hex
from typing import Any, Final

from propylon.control.call import Answer, Call
from propylon.control.definitions import FOREIGN_LISTEN_PATH, JudgedApi, judge_api, taken_listen_path
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, answer, cleared, demand_match, done, etag, flag, listed, read_body
from propylon.control.mode_change import ignored_signing_keys
from propylon.control.ownership import is_hidden, org_of
from propylon.errors import Problem
from propylon.model.api_definition import public_view, unwrap
from propylon.model.references import references_in
from propylon.stores.ports import DefinitionRow
from propylon.stores.records.edit import Edit

ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,128}")
NOT_FOUND: Final = "API not found"
TARGET_URL: Final = "proxy.target_url"
REFERENCE: Final = (
    "reads the environment or a file of the gateway; only a definition file or the Gateway API may put that there. "
    "Write the value itself"
)


async def read_all(desk: Desk, call: Call) -> Answer:
    return answer([_view(desk, row) for row in await desk.records.apis() if not is_hidden(call, row.org_id)])


async def read(desk: Desk, call: Call) -> Answer:
    row = await _stored(desk, call)
    return answer(_view(desk, row), headers=etag(row.etag))


async def read_versions(desk: Desk, call: Call) -> Answer:
    """§4.6, of an API whose versions are not APIs of their own: it is its only version."""
    row = await _stored(desk, call)
    document = json.loads(row.body)
    version = (document.get("definition") or {}).get("name") or ""
    wanted, access = call.query.get("searchText", ""), call.query.get("accessType", "")
    is_internal = document.get("internal") is True
    one = {"id": row.id, "name": document.get("name", ""), "versionName": version, "internal": is_internal}
    is_asked_for = wanted.lower() in version.lower() and access in ("", "internal" if is_internal else "external")
    found = [{**one, "expirationDate": "", "isDefaultVersion": True}] if is_asked_for else None
    return answer({"status": "success", "apis": found})


async def add(desk: Desk, call: Call) -> Answer:
    """§4.3. An id that is there: nothing happens if it is the same definition, else 409 (Tyk replaces in silence)."""
    document = _document(call)
    if not document.get("api_id"):
        document["api_id"] = token_hex(16)
    api_id = _checked_id(document["api_id"])
    async with desk.records.change(call.by) as edit:
        before = await edit.api(api_id)
        if before is not None and is_hidden(call, before.org_id):  # IDs of APIs are one for all organisations
            text = f"API ID {api_id} cannot be used; choose another, or leave it out and one is made"
            raise Refused(409, text, code="api_id_taken")
        judged = await judged_api(desk, call, document, before)
        if before is not None and not flag(call, "overwrite") and not _is_same(desk, before, judged):
            text = f"API {api_id} exists and differs; use PUT /tyk/apis/{api_id}, or ?overwrite=1 to replace it"
            raise Refused(409, text, code="api_exists")
        row = await edit.put_api(judged.write(api_id))
    return done(api_id, "added", headers=etag(row.etag), warnings=judged.warnings)


async def change(desk: Desk, call: Call) -> Answer:
    """§4.4."""
    api_id = (await _stored(desk, call)).id
    document = _document(call)
    if document.get("api_id") != api_id:
        text = "Request APIID does not match that in Definition! For Update operations these must match."
        raise Refused(400, text)
    async with desk.records.change(call.by) as edit:
        before = await _to_change(call, edit, api_id)
        judged = await judged_api(desk, call, document, before)
        ignored = await ignored_signing_keys(desk, before, judged)
        row = await edit.put_api(judged.write(api_id))
    return done(api_id, "modified", headers=etag(row.etag), warnings=[*judged.warnings, *ignored])


async def remove(desk: Desk, call: Call) -> Answer:
    """§4.5."""
    async with desk.records.change(call.by) as edit:
        row = await _to_change(call, edit, _checked_id(call.path["api_id"]))
        await edit.delete_api(row.id)
    return done(row.id, "deleted")


async def _stored(desk: Desk, call: Call) -> DefinitionRow:
    row = await desk.records.api(_checked_id(call.path["api_id"]))
    if row is None or is_hidden(call, row.org_id):
        raise Refused(404, NOT_FOUND)
    return row


async def _to_change(call: Call, edit: Edit, api_id: str) -> DefinitionRow:
    row = await edit.api(api_id)
    if row is None or is_hidden(call, row.org_id):
        raise Refused(404, NOT_FOUND)
    demand_match(call, row.etag)
    return row


def _document(call: Call) -> dict[str, Any]:
    """What was sent; of a bounded caller's, the organisation is the caller's."""
    document = dict(unwrap(read_body(call)))
    org_id = org_of(call, document.get("org_id"))
    if call.org_id is not None and not document.get("org_id"):
        document["org_id"] = org_id
    return document


def _checked_id(api_id: object) -> str:
    if not isinstance(api_id, str) or not ID.fullmatch(api_id) or api_id in (".", ".."):
        raise Refused(400, "Invalid API ID")
    if api_id == "oas":
        raise Refused(404, "Tyk OAS definitions are not in this version; use /tyk/apis with the classic form")
    return api_id


async def judged_api(desk: Desk, call: Call, document: dict[str, Any], before: DefinitionRow | None) -> JudgedApi:
    """Within the transaction of the write, so that no listen path is taken meanwhile."""
    await _demand_own_references(desk, call, document, before)
    secrets = {} if before is None else desk.records.unseal_api(before)
    judged = judge_api(document, secrets, cleared(call), desk.settings)
    if isinstance(judged, list):
        reason = f"{judged[0].path} {judged[0].message}".strip().rstrip(".")
        raise Refused(400, f"Validation of API Definition failed. Reason: {reason}.", problems=listed(judged))
    assert not is_hidden(call, judged.definition.org_id), "its organisation is the one that was looked at"
    taken = await _taken(desk, call, judged, document["api_id"])
    if taken is not None:
        raise Refused(409, f"{taken.path} {taken.message}", code=taken.code, problems=listed([taken]))
    return judged


async def _demand_own_references(
    desk: Desk, call: Call, document: dict[str, Any], before: DefinitionRow | None
) -> None:
    """The environment and files are the gateway's: through a target, a bounded caller could have them sent anywhere.

    What stands in its place already may stay, and a target may be one that the organisation's requests go to already.
    """
    wanted = {} if call.org_id is None else references_in(document)
    stored = {} if before is None else references_in(json.loads(before.body))
    fresh = {path: text for path, text in wanted.items() if stored.get(path) != text}
    if fresh.keys() == {TARGET_URL}:
        known = [references_in(json.loads(row.body)) for row in await desk.records.apis() if row.org_id == call.org_id]
        fresh = {} if any(one.get(TARGET_URL) == fresh[TARGET_URL] for one in known) else fresh
    for path in fresh:
        raise Refused(403, f"{path} {REFERENCE}", code="reference_not_yours")


async def _taken(desk: Desk, call: Call, judged: JudgedApi, api_id: str) -> Problem | None:
    if judged.definition.internal:
        return None
    others = [row for row in await desk.records.apis() if row.id != api_id]
    owner = desk.known_apis.listen_paths(others).get(judged.definition.listen_path)
    if owner is not None and is_hidden(call, owner.org_id):
        return FOREIGN_LISTEN_PATH
    return None if owner is None else taken_listen_path(owner)


def _is_same(desk: Desk, row: DefinitionRow, judged: JudgedApi) -> bool:
    same_document = json.loads(row.body) == judged.document
    return same_document and desk.records.unseal_api(row) == judged.secrets


def _view(desk: Desk, row: DefinitionRow) -> dict[str, Any]:
    return public_view(json.loads(row.body), desk.records.unseal_api(row))
