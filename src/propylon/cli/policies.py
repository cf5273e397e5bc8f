"""`propylon policies`: policies of a running gateway."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from propylon.cli.apis import IfMatch, Overwrite, matching, written
from propylon.cli.calls import path_of
from propylon.cli.ending import NO, WRONG_USE, stop
from propylon.cli.gateway import DEFAULT_URL, Json, Secret, Url, as_body, open_gateway
from propylon.cli.inputs import read_document
from propylon.cli.printing import document, line, problem_text, table

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Policies of a running gateway.")

PolicyId = Annotated[str, typer.Argument(metavar="POLICY", help="Its id.")]
File = Annotated[str, typer.Argument(metavar="FILE", help="A policy in JSON; - is stdin.")]
Org = Annotated[str, typer.Option("--org", help="Its organisation; default: the one added last.")]


@app.command("list")
def list_policies(url: Url = DEFAULT_URL, secret: Secret = "", as_json: Json = False) -> None:
    """All policies."""
    open_gateway(url, secret, as_json=as_json).ask("GET", "/tyk/policies", _show_all)


@app.command("show")
def show_policy(
    policy: PolicyId, org: Org = "", url: Url = DEFAULT_URL, secret: Secret = "", as_json: Json = False
) -> None:
    """What one says, without what is empty."""
    gateway = open_gateway(url, secret, as_json=as_json)
    gateway.ask("GET", path_of("policies", policy), document, query={"org_id": org})


@app.command("create")
def create_policy(
    file: File, overwrite: Overwrite = False, url: Url = DEFAULT_URL, secret: Secret = "", as_json: Json = False
) -> None:
    """Add one."""
    gateway = open_gateway(url, secret, as_json=as_json)
    gateway.ask("POST", "/tyk/policies", written, query={"overwrite": overwrite}, body=as_body(read_document(file)))


@app.command("update")
def update_policy(
    file: File, if_match: IfMatch = "", url: Url = DEFAULT_URL, secret: Secret = "", as_json: Json = False
) -> None:
    """Replace the one whose id the file has, or make it; its keys follow at once."""
    gateway, sent = open_gateway(url, secret, as_json=as_json), read_document(file)
    policy_id = sent.get("id") or sent.get("_id")
    if not isinstance(policy_id, str):
        stop(WRONG_USE, f"{file} has no id, so nothing says which policy it replaces; add it")
    gateway.ask("PUT", path_of("policies", policy_id), written, body=as_body(sent), fields=matching(if_match))


@app.command("delete")
def delete_policy(
    policy: PolicyId,
    org: Org = "",
    if_match: IfMatch = "",
    url: Url = DEFAULT_URL,
    secret: Secret = "",
    as_json: Json = False,
) -> None:
    """Remove one; keys and tokens that name it are refused from then on."""
    gateway = open_gateway(url, secret, as_json=as_json)
    gateway.ask("DELETE", path_of("policies", policy), written, query={"org_id": org}, fields=matching(if_match))


@app.command("lint")
def lint_policy(
    policy: PolicyId, org: Org = "", url: Url = DEFAULT_URL, secret: Secret = "", as_json: Json = False
) -> None:
    """What in it cannot be meant so: limits that never win, paths nobody reaches. 1 if there is anything."""
    gateway = open_gateway(url, secret, as_json=as_json)
    answer = gateway.ask("GET", path_of("policies", policy, "lint"), _show_findings, query={"org_id": org})
    if answer["findings"]:
        raise typer.Exit(NO)


def _show_all(policies: list[dict[str, Any]]) -> None:
    columns = ("id", "name", "rate", "quota", "apis", "org", "inactive")
    table(columns, (_row(one) for one in policies))


def _row(policy: Mapping[str, Any]) -> tuple[object, ...]:
    rate = f"{policy['rate']:g}/{policy['per']:g} s" if policy.get("rate") else ""
    quota = policy.get("quota_max") or ""
    apis = sorted(policy.get("access_rights") or {})
    return policy["id"], policy.get("name"), rate, quota, apis, policy.get("org_id"), policy.get("is_inactive")


def _show_findings(answer: Mapping[str, Any]) -> None:
    for one in answer["findings"]:
        line(problem_text(one))
    if not answer["findings"]:
        line("nothing to say")
