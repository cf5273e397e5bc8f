"""An API or a policy deleted, after it is told what rests on it."""

from starlette.responses import Response

from propylon.control import definition_uses
from propylon.dashboard.asking import ask
from propylon.dashboard.definitions import API, POLICY, delete, stored
from propylon.dashboard.pages.policy_edit import used_by
from propylon.dashboard.visit import Visit


async def ask_api(visit: Visit) -> Response:
    api = await stored(visit, API)
    uses = await ask(visit, definition_uses.read_api, path={"api_id": visit.path["id"]})
    policies = ", ".join(one["name"] for one in uses["policies"])
    keys = uses["keys_of_their_own"]
    followers = [
        *([f"{keys:,} key{'' if keys == 1 else 's'} with rights of their own on it"] if keys else []),
        *(
            [f"{len(uses['policies'])} polic{'y' if len(uses['policies']) == 1 else 'ies'} ({policies})"]
            if policies
            else []
        ),
        *([f"{uses['keys_through_policies']:,} keys through these policies"] if uses["keys_through_policies"] else []),
    ]
    path = str(api.document.get("proxy", {}).get("listen_path", ""))
    ends = f"Requests to {path} will find no API from the next one on. Its keys stay, and open nothing here."
    return visit.page("definition_delete.html", kind=API, one=api, id=visit.path["id"], followers=followers, ends=ends)


async def remove_api(visit: Visit) -> Response:
    await delete(visit, API, visit.form.text("etag"))
    return visit.to("/apis", done="api_deleted")


async def ask_policy(visit: Visit) -> Response:
    policy = await stored(visit, POLICY)
    uses = await ask(visit, definition_uses.read_policy, path={"policy_id": visit.path["id"]})
    ends = "Keys and tokens that rest on it alone are refused from the next request on; others go on with what is left."
    return visit.page(
        "definition_delete.html", kind=POLICY, one=policy, id=visit.path["id"], followers=used_by(uses), ends=ends
    )


async def remove_policy(visit: Visit) -> Response:
    await delete(visit, POLICY, visit.form.text("etag"))
    return visit.to("/policies", done="policy_deleted")
