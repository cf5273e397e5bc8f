"""`propylon keys list|show|find|audit-hashes`: commands that change nothing."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from propylon.cli.calls import path_of
from propylon.cli.gateway import DEFAULT_URL, Json, Secret, Url, open_gateway
from propylon.cli.inputs import argument_or_stdin
from propylon.cli.printing import document, line, table

PAGE: Final = 100

Key = Annotated[str, typer.Argument(metavar="KEY", help="Its ID or hash; - reads it from stdin.")]
Org = Annotated[str, typer.Option("--org", help="Organisation of a key named by ID; default: the gateway's.")]
OfApi = Annotated[str, typer.Option("--api", help="Only keys with an access right of their own for this API.")]
Alias = Annotated[str, typer.Option("--alias", help="Only keys of this name.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many.")]
After = Annotated[int, typer.Option("--after", min=0, help="Go on where a list before ended.")]
Effective = Annotated[bool, typer.Option("--effective", help="Also what its policies make of it.")]
Sought = Annotated[str, typer.Argument(metavar="TEXT", help="Key ID, hash, alias, subject, or a JWT; - is stdin.")]


def list_keys(
    org: Org = "",
    api: OfApi = "",
    alias: Alias = "",
    limit: Limit = PAGE,
    after: After = 0,
    url: Url = DEFAULT_URL,
    secret: Secret = "",
    as_json: Json = False,
) -> None:
    """Keys in the order in which they were made."""
    query = {"org_id": org, "api_id": api, "alias": alias, "limit": limit, "after": after, "details": True}
    open_gateway(url, secret, as_json=as_json).ask("GET", "/tyk/keys", _show_list, query=query)


def show_key(
    key: Key,
    org: Org = "",
    effective: Effective = False,
    url: Url = DEFAULT_URL,
    secret: Secret = "",
    as_json: Json = False,
) -> None:
    """What one says, without what is empty; never a secret."""
    path, query = path_of("keys", argument_or_stdin(key)), {"org_id": org, "effective": effective}
    open_gateway(url, secret, as_json=as_json).ask("GET", path, document, query=query)


def find_key(text: Sought, org: Org = "", url: Url = DEFAULT_URL, secret: Secret = "", as_json: Json = False) -> None:
    """Whose is this? Works with whatever a client, a log or a person calls a key. 1 if it is nobody's."""
    query = {"q": argument_or_stdin(text), "org_id": org}
    open_gateway(url, secret, as_json=as_json).ask("GET", "/tyk/keys/find", _show_matches, query=query)


def audit_hashes(org: Org = "", url: Url = DEFAULT_URL, secret: Secret = "", as_json: Json = False) -> None:
    """Imported keys that are known by a foreign hash, and how many of them still wait for their first good use."""
    query = {"org_id": org}
    open_gateway(url, secret, as_json=as_json).ask("GET", "/tyk/keys/audit-hashes", _show_audit, query=query)


def _show_list(answer: Mapping[str, Any]) -> None:
    table(("key hash", "key ID", "alias", "org", "kind"), (_row(one) for one in answer["details"]))
    if "next" in answer:
        line(f"more: --after {answer['next']}")


def _row(key: Mapping[str, Any]) -> tuple[object, ...]:
    return tuple(key.get(name) for name in ("key_hash", "key_id", "alias", "org_id", "kind"))


def _show_matches(answer: Mapping[str, Any]) -> None:
    names = ("kind", "key_id", "key_hash", "alias", "org_id", "record", "matched_by")
    columns = ("kind", "key ID", "key hash", "alias", "org", "record", "found by")
    table(columns, ([one.get(name) for name in names] for one in answer["matches"]))
    if "more" in answer:
        line(f"there are more with this {', '.join(answer['more'])}")


def _show_audit(answer: Mapping[str, Any]) -> None:
    counts = ("keys", "pinned", "waiting")
    rows = [(name, *(one[count] for count in counts)) for name, one in answer["algorithms"].items()]
    table(("algorithm", *counts), [*rows, ("all", *(answer[count] for count in counts))])
