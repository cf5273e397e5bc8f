"""What is said of access rights, a key's or a policy's, whose API is not there or belongs to somebody else."""

from collections.abc import Collection
from typing import Final

from propylon.control.desk import Desk
from propylon.errors import Problem
from propylon.stores.ports import DefinitionRow

ASKED_SINGLY_MAX: Final = 20  # beyond it, one read of all APIs is cheaper


async def rights_warnings(
    desk: Desk, api_ids: Collection[str], org_id: str, within: str | None = None
) -> list[Problem]:
    """M-11: such rights are stored all the same, as the API may come later. `within` as `apis_of` says."""
    rows = await apis_of(desk, api_ids, within)
    warnings = (right_warning(api_id, rows.get(api_id), org_id) for api_id in api_ids)
    return [warning for warning in warnings if warning is not None]


async def apis_of(desk: Desk, api_ids: Collection[str], within: str | None = None) -> dict[str, DefinitionRow]:
    """By id, those that exist for who is bounded to the organisation `within`; None sees all."""
    if len(api_ids) > ASKED_SINGLY_MAX:
        rows = await desk.records.apis()
    else:
        found = [await desk.records.api(api_id) for api_id in api_ids]
        rows = [row for row in found if row is not None]
    return {row.id: row for row in rows if within in (None, row.org_id)}


def right_warning(api_id: str, row: DefinitionRow | None, org_id: str) -> Problem | None:
    path = f"access_rights.{api_id}"
    if row is None:
        return Problem(path, "api_unknown", "is no API of this gateway; the right opens nothing until there is one")
    if row.org_id != org_id:
        text = f'is an API of organisation "{row.org_id}", which keys of "{org_id}" do not open'
        return Problem(path, "api_of_other_org", text)
    return None
