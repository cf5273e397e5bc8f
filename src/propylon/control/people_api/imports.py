"""/admin/apis/import and /admin/policies/import: definitions under the ids they say, all of them or none."""

from collections.abc import Sequence
from typing import Any, Final

from propylon.control.call import Answer, Call
from propylon.control.definitions import JudgedPolicy, judge_api, judge_policy, taken_listen_path
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, listed
from propylon.control.people.caller import Caller
from propylon.control.people_api.shapes import done, read_body
from propylon.errors import Problem
from propylon.model.api_definition import unwrap
from propylon.stores.records.edit import Edit
from propylon.stores.records.writes import DefinitionWrite

IMPORTED_MAX: Final = 1_000  # definitions of one call


async def import_apis(desk: Desk, caller: Caller, call: Call) -> Answer:
    """`{"apis": [definition or {"api_definition": …}]}`. One that is there is replaced, as in Tyk."""
    documents = _listed(read_body(call), ("apis",))
    async with desk.records.change(caller.by) as edit:
        taken = desk.known_apis.listen_paths(await desk.records.apis())
        owners = {path: row.id for path, row in taken.items()}
        for index, document in enumerate(documents):
            write, listen_path = await _judged_api(desk, edit, dict(unwrap(document)), f"apis.{index}")
            owner = owners.setdefault(listen_path, write.id) if listen_path else write.id
            if owner != write.id:
                problem = taken_listen_path(write._replace(id=owner))
                raise _refused([problem._replace(path=f"apis.{index}.{problem.path}")])
            await edit.put_api(write)
    return done("APIs imported", {str(unwrap(document)["api_id"]): True for document in documents})


async def import_policies(desk: Desk, caller: Caller, call: Call) -> Answer:
    """`{"Data": [policy]}`, as Tyk lists them, or `{"policies": [policy]}`."""
    documents = _listed(read_body(call), ("Data", "policies"))
    ids = []
    async with desk.records.change(caller.by) as edit:
        for index, document in enumerate(documents):
            judged = judge_policy({**document, "id": document.get("id") or document.get("_id")}, "", desk.settings)
            if not isinstance(judged, JudgedPolicy):
                raise _refused([one._replace(path=f"policies.{index}.{one.path}".rstrip(".")) for one in judged])
            ids.append((await edit.put_policy(judged.write())).id)
    return done("Policies imported", dict.fromkeys(ids, True))


async def _judged_api(desk: Desk, edit: Edit, document: dict[str, Any], where: str) -> tuple[DefinitionWrite, str]:
    api_id = document.get("api_id")
    if not isinstance(api_id, str) or not api_id:
        raise _refused([Problem(f"{where}.api_id", "api_id_missing", "must be given, as an import keeps it")])
    before = await edit.api(api_id)
    judged = judge_api(document, {} if before is None else desk.records.unseal_api(before), frozenset(), desk.settings)
    if isinstance(judged, list):
        raise _refused([problem._replace(path=f"{where}.{problem.path}".rstrip(".")) for problem in judged])
    return judged.write(api_id), "" if judged.definition.internal else judged.definition.listen_path


def _listed(document: dict[str, Any], names: tuple[str, ...]) -> list[dict[str, Any]]:
    values = next((document[name] for name in names if name in document), None)
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise Refused(400, f"{names[0]} must be a list of objects")
    if len(values) > IMPORTED_MAX:
        raise Refused(400, f"{names[0]} has {len(values)} entries; send at most {IMPORTED_MAX} at once")
    return values


def _refused(problems: Sequence[Problem]) -> Refused:
    return Refused(400, f"Nothing was imported: {problems[0].path} {problems[0].message}", problems=listed(problems))
