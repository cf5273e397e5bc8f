"""`propylon keys create|suspend|resume|renew|extend|reset-quota|delete`: commands that change what a key may do."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from propylon.cli.apis import Overwrite
from propylon.cli.calls import path_of
from propylon.cli.ending import WRONG_USE, stop
from propylon.cli.gateway import DEFAULT_URL, Json, Secret, Url, as_body, open_gateway
from propylon.cli.inputs import argument_or_stdin, duration_s, moment, read_document, read_secret
from propylon.cli.key_reads import Key, Org
from propylon.cli.printing import line, pairs

NewKey = Annotated[str, typer.Argument(metavar="[KEY]", help="The ID clients will send, or - for stdin; else made.")]
File = Annotated[str, typer.Option("--file", help="A key in Tyk's JSON; the options below replace parts of it.")]
Alias = Annotated[str, typer.Option("--alias", help="People's name for it.")]
Policies = Annotated[list[str] | None, typer.Option("--policy", help="A policy it follows; may be repeated.")]
Apis = Annotated[list[str] | None, typer.Option("--api", help="An API it may use; may be repeated.")]
Rate = Annotated[float | None, typer.Option("--rate", help="Requests per --per seconds.")]
Per = Annotated[float | None, typer.Option("--per", help="Seconds.")]
Expires = Annotated[
    int | None, typer.Option("--expires", parser=moment, metavar="MOMENT", help="When it ends: +30d; default never.")
]
JwtSecret = Annotated[
    str, typer.Option("--jwt-secret-file", help="Its holder signs JWTs with this secret or this public key (PEM).")
]
JwtAlgorithm = Annotated[str, typer.Option("--jwt-algorithm", help="… and with this algorithm only.")]
NewEnd = Annotated[int | None, typer.Option("--to", parser=moment, metavar="MOMENT", help="Its new end: +30d.")]
Longer = Annotated[int | None, typer.Option("--by", parser=duration_s, metavar="DURATION", help="How much longer: 7d.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def create_key(
    key: NewKey = "",
    file: File = "",
    alias: Alias = "",
    policy: Policies = None,
    api: Apis = None,
    rate: Rate = None,
    per: Per = None,
    expires: Expires = None,
    jwt_secret_file: JwtSecret = "",
    jwt_algorithm: JwtAlgorithm = "",
    overwrite: Overwrite = False,
    org: Org = "",
    url: Url = DEFAULT_URL,
    secret: Secret = "",
    as_json: Json = False,
) -> None:
    """Add a key. Without an ID one is made that nobody can guess; it is shown this once."""
    if (rate is None) != (per is None):
        stop(WRONG_USE, "--rate and --per go together: --rate 100 --per 60 is 100 requests a minute")
    if jwt_algorithm and not jwt_secret_file:
        stop(WRONG_USE, "--jwt-algorithm says how --jwt-secret-file is used; give that too")
    given: dict[str, Any] = {
        "alias": alias,
        "org_id": org,
        "apply_policies": policy,
        "access_rights": {one: {"api_id": one, "api_name": one, "versions": ["Default"]} for one in api or []},
        "rate": rate,
        "per": per,
        "expires": expires,
    }
    document = {"expires": -1, **(read_document(file) if file else {})}
    document |= {name: value for name, value in given.items() if value}
    if jwt_secret_file:
        algorithm = {"algorithm": jwt_algorithm} if jwt_algorithm else {}
        document["jwt_data"] = {"secret": read_secret(jwt_secret_file), **algorithm}
    path = path_of("keys", argument_or_stdin(key) if key else "create")
    gateway = open_gateway(url, secret, as_json=as_json)
    gateway.ask("POST", path, _show_created, query={"overwrite": overwrite}, body=as_body(document))


def suspend_key(key: Key, org: Org = "", url: Url = DEFAULT_URL, secret: Secret = "", as_json: Json = False) -> None:
    """Refuse it from now on, keeping all it has; `keys resume` takes that back."""
    _act("suspend", key, org, url, secret, as_json=as_json)


def resume_key(key: Key, org: Org = "", url: Url = DEFAULT_URL, secret: Secret = "", as_json: Json = False) -> None:
    """Let a suspended one in again."""
    _act("resume", key, org, url, secret, as_json=as_json)


def renew_key(key: Key, org: Org = "", url: Url = DEFAULT_URL, secret: Secret = "", as_json: Json = False) -> None:
    """Give it its whole lifetime and quota again."""
    _act("renew", key, org, url, secret, as_json=as_json)


def extend_key(
    key: Key,
    to: NewEnd = None,
    by: Longer = None,
    org: Org = "",
    url: Url = DEFAULT_URL,
    secret: Secret = "",
    as_json: Json = False,
) -> None:
    """Move its end."""
    if (to is None) == (by is None):
        stop(WRONG_USE, "say either --to a moment (+30d) or --by a duration (7d)")
    body = {"expires": to} if by is None else {"by_s": by}
    _act("extend", key, org, url, secret, as_json=as_json, body=body)


def reset_quota(key: Key, org: Org = "", url: Url = DEFAULT_URL, secret: Secret = "", as_json: Json = False) -> None:
    """Give it a whole quota now."""
    _act("reset-quota", key, org, url, secret, as_json=as_json)


def delete_key(
    key: Key, yes: Yes = False, org: Org = "", url: Url = DEFAULT_URL, secret: Secret = "", as_json: Json = False
) -> None:
    """Remove it and its counters: the very next request with it is refused, and nothing brings it back."""
    if not yes:
        if key == "-" or not sys.stdin.isatty():
            stop(WRONG_USE, "nothing was deleted: nobody can be asked here, so add --yes")
        typer.confirm(f"Delete {key}?", abort=True)
    gateway = open_gateway(url, secret, as_json=as_json)
    gateway.ask("DELETE", path_of("keys", argument_or_stdin(key)), _show_done, query={"org_id": org})


def _act(
    action: str,
    key: str,
    org: str,
    url: str,
    secret: str,
    *,
    as_json: bool,
    body: Mapping[str, object] | None = None,
) -> None:
    gateway = open_gateway(url, secret, as_json=as_json)
    sent = None if body is None else as_body(body)
    gateway.ask("POST", path_of("keys", argument_or_stdin(key), action), _show_done, query={"org_id": org}, body=sent)


def _show_done(answer: Mapping[str, Any]) -> None:
    line(f"{answer.get('action', 'done')} {answer.get('key', '')}".strip())


def _show_created(answer: Mapping[str, Any]) -> None:
    pairs((name, answer[name]) for name in ("key", "key_hash", "kid", "algorithm") if name in answer)
    if "hint" in answer:
        line(str(answer["hint"]))
    elif answer.get("key") != answer.get("key_hash"):
        line("key is what the client sends; this is the only time it is shown.")
