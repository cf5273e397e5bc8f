"""`propylon jwt sign|explain|trace`: tokens made here, offline, and judged by a running gateway without being spent."""

import json
from time import sleep
from typing import Annotated, Any, Final

import typer

from propylon.cli.calls import path_of
from propylon.cli.ending import NO, WRONG_USE, stop, warn
from propylon.cli.explanation import show_explanation
from propylon.cli.gateway import DEFAULT_URL, Json, Secret, Url, as_body, open_gateway
from propylon.cli.inputs import argument_or_stdin, duration_s, moment, read_bytes, read_document, read_secret
from propylon.cli.printing import document, line
from propylon.cli.signing import ALGORITHMS, Signer, pem_signer, secret_signer, signed
from propylon.clock import SystemClock

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Tokens: sign one, or ask what becomes, or became, of one."
)

LIFE: Final = "1h"
NOT_YET: Final = 202  # a worker hands its log over once a second; after 5 s the answer is 404
NOT_YET_MAX: Final = 15

SecretFile = Annotated[str, typer.Option("--secret-file", help="Sign with the HMAC secret in this file; - is stdin.")]
SecretText = Annotated[str, typer.Option("--secret", help="… or with this one, which others can read here.")]
KeyFile = Annotated[str, typer.Option("--key", help="Sign with this private key, PEM; - is stdin.")]
Algorithm = Annotated[str, typer.Option("--alg", help=f"One of {', '.join(ALGORITHMS)}; default: the key's usual one.")]
Kid = Annotated[str, typer.Option("--kid", help="The key's ID, into the header.")]
Claims = Annotated[list[str] | None, typer.Option("--claim", "-c", help="sub=alice, or scopes:='[\"read\"]' as JSON.")]
ClaimsFile = Annotated[str, typer.Option("--claims-file", help="A JSON object of claims; --claim adds to it.")]
Header = Annotated[list[str] | None, typer.Option("--header", "-H", help="A member of the header, as with --claim.")]
ExpiresIn = Annotated[
    str, typer.Option("--expires-in", metavar="DURATION", help="Sets iat and exp; 0 leaves both out.")
]
Token = Annotated[str, typer.Argument(metavar="TOKEN", help="The JWT; - reads it from stdin.")]
Api = Annotated[str, typer.Option("--api", help="The API it is sent to.")]
Method = Annotated[str, typer.Option("--method", help="Of the request.")]
Path = Annotated[str, typer.Option("--path", help="Of the request, as the client writes it; default: the listen path.")]
Trace = Annotated[str, typer.Argument(metavar="TRACE", help="The X-Propylon-Trace of its answer.")]
At = Annotated[int | None, typer.Option("--at", parser=moment, metavar="MOMENT", help="Judge its times as of then.")]


@app.command("sign")
def sign(
    secret_file: SecretFile = "",
    secret: SecretText = "",
    key: KeyFile = "",
    alg: Algorithm = "",
    kid: Kid = "",
    claim: Claims = None,
    claims_file: ClaimsFile = "",
    header: Header = None,
    expires_in: ExpiresIn = LIFE,
    as_json: Json = False,
) -> None:
    """Print a signed token. Needs no gateway."""
    signer = _signer(secret_file, secret, key)
    algorithm = alg or signer.algorithms[0]
    if algorithm not in signer.algorithms:
        stop(WRONG_USE, f"--alg {alg} does not fit the key, which signs with {', '.join(signer.algorithms)}")
    now, life_s = int(SystemClock.wall()), duration_s(expires_in)
    claims = {"iat": now, "exp": now + life_s} if life_s else {}
    claims |= (read_document(claims_file) if claims_file else {}) | _members(claim or [], "--claim")
    head = {"alg": algorithm, "typ": "JWT"} | ({"kid": kid} if kid else {}) | _members(header or [], "--header")
    token = signed(head, claims, signer, algorithm)
    line(json.dumps({"token": token, "header": head, "claims": claims}) if as_json else token)


@app.command("explain")
def explain(
    token: Token,
    api: Api,
    method: Method = "GET",
    path: Path = "",
    at: At = None,
    url: Url = DEFAULT_URL,
    secret: Secret = "",
    as_json: Json = False,
) -> None:
    """What the gateway would do with it, step by step. Nothing is counted or forwarded. 1 if it is refused."""
    given = {"api_id": api, "token": argument_or_stdin(token), "method": method, "path": path, "at": at}
    body = as_body({name: value for name, value in given.items() if value not in ("", None)})
    gateway = open_gateway(url, secret, as_json=as_json)
    answer = gateway.ask("POST", "/tyk/explain", show_explanation, body=body)
    if not answer["verdict"]["passes"]:
        raise typer.Exit(NO)


@app.command("trace")
def trace(trace: Trace, url: Url = DEFAULT_URL, secret: Secret = "", as_json: Json = False) -> None:
    """What became of a request that was refused, whatever its credential was. Waits until it is logged."""
    gateway, path = open_gateway(url, secret, as_json=as_json), path_of("explain", trace)
    for _ in range(NOT_YET_MAX):
        if gateway.call("GET", path).status != NOT_YET:
            break
        sleep(1)
    gateway.ask("GET", path, document)


def _signer(secret_file: str, secret: str, key: str) -> Signer:
    if sum(map(bool, (secret_file, secret, key))) != 1:
        stop(WRONG_USE, "say what to sign with: --secret-file FILE or --key FILE, one of them")
    if secret:
        warn("--secret can be read by others in the list of processes; use --secret-file, which takes - for stdin")
    if not key:
        return secret_signer((secret or read_secret(secret_file)).encode())
    signer = pem_signer(read_bytes(key))
    return stop(WRONG_USE, f"--key {key} {signer}") if isinstance(signer, str) else signer


def _members(given: list[str], option: str) -> dict[str, Any]:
    """`name=text` and `name:=json`."""
    return dict(_member(one, option) for one in given)


def _member(text: str, option: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or name in ("", ":"):
        stop(WRONG_USE, f"{option} {text!r} has no value; write name=text, or name:=JSON")
    if not name.endswith(":"):
        return name, value
    try:
        return name[:-1], json.loads(value)
    except ValueError:
        stop(WRONG_USE, f"{option} {text!r}: what stands behind := is not JSON")
