"""What is said of access rights, a key's or a policy's, whose API is not there or belongs to somebody else."""

from collections.abc import Iterable

from propylon.control.desk import Desk
from propylon.errors import Problem
from propylon.stores.ports import DefinitionRow


async def rights_warnings(desk: Desk, api_ids: Iterable[str], org_id: str) -> list[Problem]:
    """M-11: such rights are stored all the same, as the API may come later."""
    found = [(api_id, right_warning(api_id, await desk.records.api(api_id), org_id)) for api_id in api_ids]
    return [warning for _, warning in found if warning is not None]


def right_warning(api_id: str, row: DefinitionRow | None, org_id: str) -> Problem | None:
    path = f"access_rights.{api_id}"
    if row is None:
        return Problem(path, "api_unknown", "is no API of this gateway; the right opens nothing until there is one")
    if row.org_id != org_id:
        text = f'is an API of organisation "{row.org_id}", which keys of "{org_id}" do not open'
        return Problem(path, "api_of_other_org", text)
    return None
