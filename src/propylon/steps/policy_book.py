"""All policies a worker knows. Written by `follow`, read by whoever needs the policies of a caller."""

from collections.abc import Sequence

from propylon.model.policy import Policy


class PolicyBook:
    """All policies of one revision; `version` moves when any of them does."""

    def __init__(self) -> None:
        self.version = 0
        self._policies: dict[tuple[str, str], Policy] = {}

    def replace(self, policies: Sequence[Policy]) -> None:
        self._policies = {(policy.org_id, policy.id): policy for policy in policies}
        self.version += 1

    def get(self, org_id: str, policy_id: str) -> Policy | None:
        return self._policies.get((org_id, policy_id))

    def select(self, org_id: str, policy_ids: Sequence[str]) -> tuple[list[Policy], list[str]]:
        """Those that exist in that organisation, in order, and the ids that do not."""
        found = [(policy_id, self.get(org_id, policy_id)) for policy_id in policy_ids]
        return [policy for _, policy in found if policy is not None], [id_ for id_, policy in found if policy is None]
