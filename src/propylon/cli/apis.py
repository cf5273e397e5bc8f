"""`propylon apis`: API definitions of a running gateway."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from propylon.cli.calls import path_of
from propylon.cli.ending import WRONG_USE, stop
from propylon.cli.gateway import DEFAULT_URL, Json, Secret, Url, as_body, open_gateway
from propylon.cli.inputs import read_document
from propylon.cli.printing import document, line, table
from propylon.model.document_reader import unwrap

app = typer.Typer(no_args_is_help=True, add_completion=False, help="API definitions of a running gateway.")

ApiId = Annotated[str, typer.Argument(metavar="API", help="Its api_id.")]
File = Annotated[str, typer.Argument(metavar="FILE", help="A definition in Tyk's classic JSON; - is stdin.")]
IfMatch = Annotated[str, typer.Option("--if-match", help="Only if its ETag is still this one.")]
Clear = Annotated[list[str] | None, typer.Option("--clear", help="A stored secret to remove, such as jwt_source.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace one that is there and differs.")]


@app.command("list")
def list_apis(url: Url = DEFAULT_URL, secret: Secret = "", as_json: Json = False) -> None:
    """All definitions."""
    open_gateway(url, secret, as_json=as_json).ask("GET", "/tyk/apis", _show_all)


@app.command("show")
def show_api(api: ApiId, url: Url = DEFAULT_URL, secret: Secret = "", as_json: Json = False) -> None:
    """What one says, without what is empty."""
    open_gateway(url, secret, as_json=as_json).ask("GET", path_of("apis", api), document)


@app.command("create")
def create_api(
    file: File, overwrite: Overwrite = False, url: Url = DEFAULT_URL, secret: Secret = "", as_json: Json = False
) -> None:
    """Add one; it serves as soon as this has ended."""
    gateway = open_gateway(url, secret, as_json=as_json)
    gateway.ask("POST", "/tyk/apis", written, query={"overwrite": overwrite}, body=as_body(read_document(file)))


@app.command("update")
def update_api(
    file: File,
    if_match: IfMatch = "",
    clear: Clear = None,
    url: Url = DEFAULT_URL,
    secret: Secret = "",
    as_json: Json = False,
) -> None:
    """Replace the one whose api_id the file has; secrets that it leaves empty are kept."""
    gateway, sent = open_gateway(url, secret, as_json=as_json), read_document(file)
    api_id = unwrap(sent).get("api_id")
    if not isinstance(api_id, str) or not api_id:
        stop(WRONG_USE, f"{file} has no api_id, so nothing says which API it replaces; add it, or use create")
    query = {"clear": ",".join(clear or [])}
    gateway.ask("PUT", path_of("apis", api_id), written, query=query, body=as_body(sent), fields=matching(if_match))


@app.command("delete")
def delete_api(
    api: ApiId, if_match: IfMatch = "", url: Url = DEFAULT_URL, secret: Secret = "", as_json: Json = False
) -> None:
    """Remove one; its listen path answers 404 from then on."""
    gateway = open_gateway(url, secret, as_json=as_json)
    gateway.ask("DELETE", path_of("apis", api), written, fields=matching(if_match))


def written(answer: Mapping[str, Any]) -> None:
    """What a write of any resource says that it did."""
    line(f"{answer['action']} {answer['key']}")


def matching(if_match: str) -> dict[str, str]:
    if not if_match:
        return {}
    quoted = if_match if if_match == "*" or if_match.startswith('"') else f'"{if_match}"'
    return {"If-Match": quoted}


def _show_all(apis: list[dict[str, Any]]) -> None:
    columns = ("api_id", "name", "listen path", "auth", "org", "active")
    table(columns, (_row(one) for one in apis))


def _row(api: Mapping[str, Any]) -> tuple[object, ...]:
    listen_path = (api.get("proxy") or {}).get("listen_path")
    return api.get("api_id"), api.get("name"), listen_path, _auth(api), api.get("org_id"), api.get("active", True)


def _auth(api: Mapping[str, Any]) -> str:
    if api.get("use_keyless"):
        return "keyless"
    return f"jwt, {api.get('jwt_mode', '')}" if api.get("enable_jwt") else "token"
