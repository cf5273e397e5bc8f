"""A JWT API that gets a central source of keys: the keys that verified its tokens until then are not asked any more.

Said wherever such a definition is written, with their number (user-pains P7).
"""

from propylon.control.definitions import JudgedApi
from propylon.control.desk import Desk
from propylon.errors import Problem
from propylon.model.policy import policies_of_rows
from propylon.stores.ports import DefinitionRow
from propylon.stores.records.records import USES_COUNTED_MAX


async def ignored_signing_keys(desk: Desk, before: DefinitionRow, judged: JudgedApi) -> list[Problem]:
    """Nothing when the mode stays, or when there is no such key."""
    was, becomes = desk.known_apis.definition(before), judged.definition
    is_switch = was is not None and was.jwt is not None and was.jwt.mode == "per_key"
    if not is_switch or becomes.jwt is None or becomes.jwt.mode == "per_key":
        return []
    stored = [row for row in await desk.records.policies() if row.org_id == before.org_id]
    granting = [policy.id for policy in policies_of_rows(stored) if before.id in policy.access_rights]
    names = {f"api:{before.id}", *(f"policy:{before.org_id}/{one}" for one in granting)}
    number = await desk.records.count_keys_using(names, before.org_id, kind="jwt_key")
    if not number:
        return []
    several = f"{number:,}{' or more' if number == USES_COUNTED_MAX else ''} JWT signing keys grant"
    text = f"{'1 JWT signing key grants' if number == 1 else several} this API. With a central source"
    field = next(name for name in ("jwt_issuers", "jwt_jwks_uris", "jwt_source") if judged_has(judged, name))
    return [
        Problem(
            field, "signing_keys_ignored", f"{text} {'its secret' if number == 1 else 'their secrets'} will be ignored."
        )
    ]


def judged_has(judged: JudgedApi, name: str) -> bool:
    return bool(judged.document.get(name) or judged.secrets.get(name))
