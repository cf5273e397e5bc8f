"""What rests on an API or a policy: told before it is changed or removed. Reads only; counts end at a bound.

A token may name a policy in its own claim; those cannot be counted, and nothing here speaks of them.
"""

import asyncio
from collections.abc import Iterator
from typing import Any, Final

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, answer
from propylon.model.api_definition import ApiDefinition
from propylon.model.policy import policies_of_rows
from propylon.stores.ports import DefinitionRow
from propylon.stores.records.records import USES_COUNTED_MAX

JWT_KEY: Final = "jwt_key"


async def read_api(desk: Desk, call: Call) -> Answer:
    """Policies that grant it, and keys: of their own rights, through these policies, and those that verify JWTs."""
    row = await desk.records.api(call.path["api_id"])
    if row is None or call.org_id not in (None, row.org_id):
        raise Refused(404, "API not found")
    stored = [one for one in await desk.records.policies() if one.org_id == row.org_id]
    granting = [policy for policy in policies_of_rows(stored) if row.id in policy.access_rights]
    own, through = {f"api:{row.id}"}, {f"policy:{row.org_id}/{policy.id}" for policy in granting}
    count = desk.records.count_keys_using
    of_their_own, through_policies, jwt_keys = await asyncio.gather(
        count(own, row.org_id), count(through, row.org_id), count(own | through, row.org_id, kind=JWT_KEY)
    )
    return answer(
        {
            "policies": [{"id": policy.id, "name": policy.name or policy.id} for policy in granting],
            "keys_of_their_own": of_their_own,
            "keys_through_policies": through_policies,
            "jwt_keys": jwt_keys,
            "counted_to": USES_COUNTED_MAX,
        }
    )


async def read_policy(desk: Desk, call: Call) -> Answer:
    """Keys that name it, and definitions that give it to tokens, each with how."""
    row = await desk.records.policy(call.path["policy_id"], org_id=call.org_id or call.query.get("org_id") or None)
    if row is None:
        raise Refused(404, "Policy not found")
    keys = await desk.records.count_keys_using({f"policy:{row.org_id}/{row.id}"}, row.org_id)
    apis = [use for one in await _apis(desk, row.org_id) for use in _given_by(one, row)]
    return answer({"keys": keys, "apis": apis, "counted_to": USES_COUNTED_MAX})


async def _apis(desk: Desk, org_id: str) -> list[ApiDefinition]:
    rows = [row for row in await desk.records.apis() if row.org_id == org_id]
    found = [desk.known_apis.definition(row) for row in rows]
    return [one for one in found if one is not None]


def _given_by(api: ApiDefinition, policy: DefinitionRow) -> Iterator[dict[str, Any]]:
    """J-29, J-31."""
    ways = []
    for issuer in () if api.jwt is None else api.jwt.issuers:
        ways += ["default policy"] if policy.id in issuer.default_policies else []
        ways += [f"scope {scope}" for scope, ids in issuer.scope_to_policy.items() if policy.id in ids]
    if ways:
        yield {"api_id": api.api_id, "name": api.name or api.api_id, "as": [*dict.fromkeys(ways)]}
