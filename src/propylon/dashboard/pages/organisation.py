"""The organisation one belongs to, and how much it has. Others are seen with the administration's secret alone."""

import json

from starlette.responses import Response

from propylon.dashboard.visit import Visit
from propylon.stores.records.people import OrganisationRow


async def show(visit: Visit) -> Response:
    records, org_id = visit.desk.records, visit.who.org_id
    row = await records.people.organisation(org_id) or OrganisationRow(org_id, "")
    members = {name: value for name, value in json.loads(row.body).items() if isinstance(value, str | int | bool)}
    belongs = {
        "APIs": sum(one.org_id == org_id for one in await records.apis()),
        "Policies": sum(one.org_id == org_id for one in await records.policies()),
        "Keys": await records.count_keys(org_id=org_id),
        "Users": await records.people.count_users(org_id),
        "User groups": len(await records.people.groups(org_id, limit=1_000)),
    }
    return visit.page("organisation.html", organisation=row, members=members, belongs=belongs)
