"""Which pages there are, one line each: like a contents page. A page is a function of a `Visit`."""

from collections.abc import Awaitable, Callable
from typing import Final, Literal, NamedTuple

from starlette.responses import Response

from propylon.dashboard.pages import (
    api_access,
    api_edit,
    api_fields,
    api_try,
    apis,
    definition_delete,
    definition_json,
    guide_setup,
    identity,
    jwt_guide,
    key,
    keys,
    nodes,
    overview,
    password,
    policies,
    policy_edit,
    settings,
    sign_in,
    theme,
    token_checker,
)
from propylon.dashboard.visit import Visit
from propylon.model.permissions import Area, Level


class Page(NamedTuple):
    method: str
    path: str
    show: Callable[[Visit], Awaitable[Response]]
    area: Area | Literal[""] | None  # whose right is needed; "" none but to have signed in, None not even that
    level: Level = "read"
    is_always: bool = False  # also for those who must change their password first


PAGES: Final = (
    Page("GET", "/login", sign_in.show, None),
    Page("POST", "/login", sign_in.enter, None),
    Page("GET", "/logout", sign_in.ask_to_leave, "", is_always=True),
    Page("POST", "/logout", sign_in.leave, "", is_always=True),
    Page("POST", "/theme", theme.change, None),
    Page("GET", "/password", password.show, ""),
    Page("POST", "/password", password.change, ""),
    Page("GET", "/", overview.show, ""),
    Page("GET", "/keys", keys.show, "keys"),
    Page("POST", "/keys/find", keys.find, "keys"),
    Page("GET", "/keys/{key_hash}", key.show, "keys"),
    Page("GET", "/identities/{record}", identity.show, "keys"),
    Page("GET", "/token-checker", token_checker.show, "keys"),
    Page("POST", "/token-checker", token_checker.check, "keys"),
    Page("GET", "/jwt-guide", jwt_guide.show, ""),
    Page("GET", "/jwt-guide/{mode}", guide_setup.show, "apis", "write"),
    Page("POST", "/jwt-guide/{mode}", guide_setup.set_up, "apis", "write"),
    Page("GET", "/apis", apis.show, "apis"),
    Page("GET", "/new/api", api_edit.show_new, "apis", "write"),
    Page("POST", "/new/api", api_edit.make, "apis", "write"),
    Page("GET", "/new/api/json", definition_json.show_new_api, "apis", "write"),
    Page("POST", "/new/api/json", definition_json.make_api, "apis", "write"),
    Page("GET", "/apis/{id}", api_edit.show, "apis"),
    Page("POST", "/apis/{id}", api_edit.change, "apis", "write"),
    Page("GET", "/apis/{id}/json", definition_json.show_api, "apis"),
    Page("POST", "/apis/{id}/json", definition_json.change_api, "apis", "write"),
    Page("GET", "/apis/{id}/fields", api_fields.show, "apis"),
    Page("GET", "/apis/{id}/opt-out", api_fields.ask_opt_out, "apis", "write"),
    Page("POST", "/apis/{id}/opt-out", api_fields.opt_out, "apis", "write"),
    Page("GET", "/apis/{id}/try", api_try.show, "keys"),
    Page("POST", "/apis/{id}/try", api_try.check, "keys"),
    Page("GET", "/apis/{id}/access", api_access.show, "apis"),
    Page("GET", "/apis/{id}/delete", definition_delete.ask_api, "apis", "write"),
    Page("POST", "/apis/{id}/delete", definition_delete.remove_api, "apis", "write"),
    Page("GET", "/policies", policies.show, "policies"),
    Page("GET", "/new/policy", policy_edit.show_new, "policies", "write"),
    Page("POST", "/new/policy", policy_edit.make, "policies", "write"),
    Page("GET", "/new/policy/json", definition_json.show_new_policy, "policies", "write"),
    Page("POST", "/new/policy/json", definition_json.make_policy, "policies", "write"),
    Page("GET", "/policies/{id}", policy_edit.show, "policies"),
    Page("POST", "/policies/{id}", policy_edit.change, "policies", "write"),
    Page("GET", "/policies/{id}/json", definition_json.show_policy, "policies"),
    Page("POST", "/policies/{id}/json", definition_json.change_policy, "policies", "write"),
    Page("GET", "/policies/{id}/delete", definition_delete.ask_policy, "policies", "write"),
    Page("POST", "/policies/{id}/delete", definition_delete.remove_policy, "policies", "write"),
    Page("GET", "/nodes", nodes.show, "system"),
    Page("GET", "/settings", settings.show, "system"),
)
