"""`propylon audit-issuers API`: sends hostile tokens to a running gateway; whatever passes is an error.

Reads the gateway's definitions and changes nothing in it. Attempts reach its log as refusals, the upstream as nothing,
unless one passes, which is what this is to find out.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import quote

import typer

from propylon.cli.audit_aim import aim_at, read_definition
from propylon.cli.calls import Address, Answer, Unreachable, send
from propylon.cli.ending import NO, WRONG_USE, stop, warn
from propylon.cli.gateway import DEFAULT_URL, Json, Secret, Url, checked_address, open_gateway
from propylon.cli.hostile_tokens import Hostile, hostile_tokens, sound_token
from propylon.cli.inputs import read_bytes, read_secret
from propylon.cli.printing import line, table
from propylon.cli.signing import Signer, pem_signer, secret_signer
from propylon.cli.trial_issuer import TrialIssuer
from propylon.clock import SystemClock
from propylon.model.credential_source import CredentialSource, read_credential_source
from propylon.model.document_reader import DocumentReader

app = typer.Typer(add_completion=False)

OURS: Final = "X-Propylon-Trace"  # on every refusal of the gateway's own, so an upstream's 403 is no refusal
REFUSALS: Final = (400, 401, 403, 404, 431)
# Texts of what is refused only after a token was believed; Tyk writes the first letter small there.
BELIEVED: Final = ("key not authorized", "Access to this API", "Quota exceeded", "Key has expired", "Key is inactive")

Api = Annotated[str, typer.Argument(metavar="API", help="Its api_id.")]
Like = Annotated[str, typer.Option("--like", help="File with a sound token to start from; - is stdin.")]
SecretFile = Annotated[str, typer.Option("--secret-file", help="The true HMAC secret: its misuse is tried too.")]
KeyFile = Annotated[str, typer.Option("--key", help="The true private key, PEM: its misuse is tried too.")]
DataUrl = Annotated[str, typer.Option("--gateway", help="Where traffic goes, if not to --url.")]
Path = Annotated[str, typer.Option("--path", help="Path to ask for; default: the API's listen path.")]


class Outcome(NamedTuple):
    attack: str
    status: int
    message: str
    is_refused: bool


class Door(NamedTuple):
    """Where and how the API reads tokens."""

    address: Address
    target: str
    source: CredentialSource

    def send(self, token: str) -> Answer:
        if not token:
            return send(self.address, "GET", self.target, {})
        if self.source.header_name:
            return send(self.address, "GET", self.target, {self.source.header_name: f"Bearer {token}"})
        if self.source.cookie_name:
            return send(self.address, "GET", self.target, {"Cookie": f"{self.source.cookie_name}={token}"})
        return send(self.address, "GET", f"{self.target}?{quote(self.source.param_name)}={quote(token)}", {})


@app.command("audit-issuers")
def audit_issuers(
    api: Api,
    like: Like = "",
    secret_file: SecretFile = "",
    key: KeyFile = "",
    gateway_url: DataUrl = "",
    path: Path = "",
    url: Url = DEFAULT_URL,
    secret: Secret = "",
    as_json: Json = False,
) -> None:
    """Send tokens that must not pass. 1 if any does."""
    gateway = open_gateway(url, secret, as_json=as_json)
    definition = read_definition(gateway, api)
    address = checked_address(gateway_url, "--gateway") if gateway_url else gateway.address
    door = _door(definition, address, path)
    token, signer = read_secret(like) if like else "", _signer(secret_file, key)
    now = int(SystemClock.wall())
    with TrialIssuer() as decoy:
        aim = aim_at(gateway, definition, token, signer, decoy.key_set_url, now)
        try:
            _demand_meaning(door, sound_token(aim))
            outcomes = [_outcome(one, door.send(one.token)) for one in hostile_tokens(aim, now)]
        except Unreachable as trouble:
            stop(WRONG_USE, f"the gateway stopped answering: {trouble}")
        if decoy.fetches:
            text = f"{decoy.fetches} requests for the key set that a token named"
            outcomes.append(Outcome("keys fetched from where a token says", 0, text, is_refused=False))
    (_print_json if as_json else _print)(api, outcomes)
    if not all(one.is_refused for one in outcomes):
        raise typer.Exit(NO)


def _door(definition: Mapping[str, Any], address: Address, path: str) -> Door:
    reader = DocumentReader(definition)
    target = path or reader.text("proxy.listen_path")
    if not target.startswith("/") or "{" in target:
        stop(WRONG_USE, f"the listen path {target!r} stands for many paths; name one with --path")
    return Door(address, target, read_credential_source(reader, "jwt"))


def _signer(secret_file: str, key: str) -> Signer | None:
    if secret_file and key:
        stop(WRONG_USE, "--secret-file and --key are two ways to give one thing; keep one")
    if secret_file:
        return secret_signer(read_secret(secret_file).encode())
    if not key:
        return None
    signer = pem_signer(read_bytes(key))
    return stop(WRONG_USE, f"--key {key} {signer}") if isinstance(signer, str) else signer


def _demand_meaning(door: Door, sound: str) -> None:
    """Where nobody is let in, or everybody, a refusal says nothing."""
    bare = _outcome(Hostile("no token", ""), door.send(""))
    if not bare.is_refused:
        stop(NO, f"a request without a token was answered {bare.status}: this API is open, or is not what listens here")
    if bare.status == 404:
        stop(WRONG_USE, f"{door.target} is answered 404; is the API active, and does traffic go there (--gateway)?")
    if not sound:
        warn("no sound token was given (--like, --secret-file or --key), so nothing shows that one would pass")
        return
    answer = _outcome(Hostile("sound token", sound), door.send(sound))
    if answer.is_refused:
        text = f"the sound token itself was refused ({answer.status} {answer.message}), so refusals would prove nothing"
        stop(WRONG_USE, f"{text}; `propylon jwt explain` says why")


def _outcome(hostile: Hostile, answer: Answer) -> Outcome:
    document = answer.document
    message = str(document.get("error", "")) if isinstance(document, Mapping) else ""
    is_refused = answer.status in REFUSALS and OURS in answer.fields and not message.startswith(BELIEVED)
    return Outcome(hostile.attack, answer.status, message, is_refused)


def _print(api: str, outcomes: list[Outcome]) -> None:
    grouped: dict[tuple[str, int, str, bool], int] = {}
    for one in outcomes:
        grouped[one] = grouped.get(one, 0) + 1
    rows = (
        (attack, count, status, text, "" if ok else "PASSED") for (attack, status, text, ok), count in grouped.items()
    )
    table(("attack", "tokens", "status", "answer", ""), rows)
    passed = _passed(outcomes)
    line(f"{api}: {len(outcomes)} hostile tokens, {len(passed)} passed")


def _print_json(api: str, outcomes: list[Outcome]) -> None:
    passed = [one._asdict() for one in _passed(outcomes)]
    line(json.dumps({"api_id": api, "passed": passed, "outcomes": [one._asdict() for one in outcomes]}))


def _passed(outcomes: Iterable[Outcome]) -> list[Outcome]:
    return [one for one in outcomes if not one.is_refused]
