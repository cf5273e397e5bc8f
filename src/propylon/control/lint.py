"""/tyk/policies/{id}/lint: what in a policy cannot be meant so, where it stands among keys, tokens and other policies.

Reads only; what is found is advice. Keys are looked at up to a bound, and the answer says how many.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, answer, listed
from propylon.control.ownership import org_of
from propylon.control.policy_findings import combination_findings, findings_of
from propylon.control.rights import rights_warnings
from propylon.errors import Problem
from propylon.model.api_definition import ApiDefinition
from propylon.model.policy import Policy, parse_policy, policies_of_rows
from propylon.model.session import read_stored_session
from propylon.model.session_record import Session
from propylon.stores.ports import DefinitionRow
from propylon.stores.records.key_lists import KeyList

KEYS_MAX: Final = 1_000  # looked at; policies are combined in few ways, and 10,000 took 0.7 s of the control process
UNUSED: Final = Problem("id", "policy_unused", "no key and no definition names it; only a token's policy claim could")
Ids = tuple[str, ...]


async def read(desk: Desk, call: Call) -> Answer:
    policy_id, org_id = call.path["policy_id"], org_of(call)
    row = await desk.records.policy(policy_id, org_id=org_id or None)
    apis = await _apis(desk, org_id if row is None else row.org_id)
    if row is None:
        named = [problem for problem in _missing_mapped(apis, set()) if f'"{policy_id}"' in problem.message]
        raise Refused(404, "Policy not found", code="policy_unknown", problems=listed(named))
    policy, _, warnings = parse_policy(json.loads(row.body))
    assert policy is not None, "it was judged when it was stored"
    policy.org_id = row.org_id
    known = await _policies(desk, row.org_id)
    key_combinations, looked_at = await _of_keys(desk, row)
    combinations = {ids for ids in (*key_combinations, *_of_tokens(apis)) if policy_id in ids}
    applied = [[known[one] for one in ids if one in known] for ids in sorted(combinations)]
    beside = [api for api in apis if policy_id in _named_policies(api) or api.api_id in policy.access_rights]
    findings = [
        *warnings,
        *await rights_warnings(desk, policy.access_rights, row.org_id, call.org_id),
        *findings_of(policy),
        *combination_findings(policy, applied),
        *_missing_mapped(beside, set(known)),
        *([] if combinations else [UNUSED]),
    ]
    document = {"policy": policy_id, "org_id": row.org_id, "findings": listed(findings)}
    return answer({**document, "keys_looked_at": looked_at, "applied_as": [list(ids) for ids in sorted(combinations)]})


async def _apis(desk: Desk, org_id: str) -> list[ApiDefinition]:
    found = [desk.known_apis.definition(row) for row in await desk.records.apis()]
    return [api for api in found if api is not None and org_id in ("", api.org_id)]


async def _policies(desk: Desk, org_id: str) -> dict[str, Policy]:
    rows = [row for row in await desk.records.policies() if row.org_id == org_id]
    return {policy.id: policy for policy in policies_of_rows(rows)}


async def _of_keys(desk: Desk, row: DefinitionRow) -> tuple[set[Ids], int]:
    """In which combinations keys name the policy."""
    chosen = KeyList(row.org_id, refers_to=[[f"policy:{row.org_id}/{row.id}"]])
    rows = await desk.records.key_lists.page(chosen, limit=KEYS_MAX)
    sessions = [read_stored_session(json.loads(one.session)) for one in rows]
    return {session.policy_ids for session in sessions if isinstance(session, Session)}, len(rows)


def _of_tokens(apis: Iterable[ApiDefinition]) -> Iterator[Ids]:
    """In which combinations definitions give policies to tokens; a token's own claim may name any others."""
    for api in apis:
        for issuer in () if api.jwt is None else api.jwt.issuers:
            yield issuer.default_policies
            yield from issuer.scope_to_policy.values()


def _named_policies(api: ApiDefinition) -> set[str]:
    return {policy_id for ids in _of_tokens([api]) for policy_id in ids}


def _missing_mapped(apis: Sequence[ApiDefinition], known: set[str]) -> Iterator[Problem]:
    """J-29, J-31: a token that is mapped to it is refused."""
    for api in apis:
        for issuer in () if api.jwt is None else api.jwt.issuers:
            for scope, ids in issuer.scope_to_policy.items():
                for policy_id in sorted(set(ids) - known):
                    text = f'API {api.api_id} maps scope "{scope}" to policy "{policy_id}", which does not exist'
                    yield Problem("scopes", "scope_policy_missing", text)
            for policy_id in sorted(set(issuer.default_policies) - known):
                text = f'API {api.api_id} has default policy "{policy_id}", which does not exist'
                yield Problem("jwt_default_policies", "default_policy_missing", text)
