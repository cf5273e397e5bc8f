"""What a key can be given: this organisation's APIs and policies, as the forms of a key offer them."""

import json
from typing import Final, NamedTuple

from propylon.dashboard.visit import Visit
from propylon.model.api_definition import ApiDefinition
from propylon.model.policy import Policy, policies_of_rows
from propylon.stores.ports import DefinitionRow

USUAL_ALGORITHMS: Final = {"hmac": "HS256", "rsa": "RS256", "ecdsa": "ES256", "eddsa": "EdDSA"}
AUTH_WORDS: Final = {
    "keyless": "open to all, needs no key",
    "token": "auth token",
    "per_key": "JWT, each client has its own key",
    "central": "JWT, signed by your identity provider",
    "issuers": "JWT, signed by your identity providers",
}


class ApiChoice(NamedTuple):
    """An API as it can be chosen."""

    api_id: str
    name: str
    definition: ApiDefinition | None  # None when it cannot be served

    @property
    def auth(self) -> str:
        """A word of AUTH_WORDS, "" for what cannot be served."""
        if self.definition is None:
            return ""
        return self.definition.jwt.mode if self.definition.jwt is not None else self.definition.auth_mode

    @property
    def auth_words(self) -> str:
        return AUTH_WORDS.get(self.auth, "cannot be served as it stands")

    @property
    def version(self) -> str:
        """What a right has to name; an API without versions takes any name."""
        return (self.definition.default_version if self.definition is not None else "") or "Default"

    @property
    def algorithm(self) -> str:
        """The usual one of those that it takes in tokens of a key's own, "" if it takes none."""
        if self.auth != "per_key":
            return ""
        taken = self.algorithms
        usual = next((one for one in USUAL_ALGORITHMS.values() if one in taken), "")
        return usual or min(taken)

    @property
    def algorithms(self) -> frozenset[str]:
        """All that tokens sent to it may be signed with."""
        if self.definition is None or self.definition.jwt is None:
            return frozenset()
        return self.definition.jwt.algorithms


class PolicyChoice(NamedTuple):
    policy: Policy
    apis: list[str]  # names of those that it grants

    @property
    def is_offered(self) -> bool:
        """A draft is for no new key; whoever has it keeps it."""
        return self.policy.active

    @property
    def state(self) -> str:
        if self.policy.is_inactive:
            return "access denied"
        return "active" if self.policy.active else "draft"


class Choices(NamedTuple):
    """By id, in the order of their names."""

    apis: dict[str, ApiChoice]
    policies: dict[str, PolicyChoice]

    @property
    def names(self) -> dict[str, str]:
        return {one.api_id: one.name for one in self.apis.values()}

    def granted(self, api_ids: list[str], policy_ids: list[str]) -> list[ApiChoice]:
        """What these open, each once."""
        by_policies = [
            api_id
            for policy_id in policy_ids
            if policy_id in self.policies
            for api_id in self.policies[policy_id].policy.access_rights
        ]
        return [self.apis[api_id] for api_id in dict.fromkeys([*api_ids, *by_policies]) if api_id in self.apis]


async def choices_of(visit: Visit) -> Choices:
    org_id, records = visit.who.org_id, visit.desk.records
    apis = [_api(visit, row) for row in await records.apis() if row.org_id == org_id]
    by_id = {one.api_id: one for one in sorted(apis, key=lambda one: one.name.lower())}
    policies = policies_of_rows([row for row in await records.policies() if row.org_id == org_id])
    offered = [_policy(policy, by_id) for policy in policies]
    ordered = sorted(offered, key=lambda one: (one.policy.name or one.policy.id).lower())
    return Choices(by_id, {one.policy.id: one for one in ordered})


def _api(visit: Visit, row: DefinitionRow) -> ApiChoice:
    name = str(json.loads(row.body).get("name") or row.id)
    return ApiChoice(row.id, name, visit.desk.known_apis.definition(row))


def _policy(policy: Policy, apis: dict[str, ApiChoice]) -> PolicyChoice:
    named = [apis[api_id].name if api_id in apis else api_id for api_id in policy.access_rights]
    return PolicyChoice(policy, sorted(named, key=str.lower))
