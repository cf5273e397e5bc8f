"""`propylon keys rotate|ring|retire`: what a key is verified with, one generation after the other."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import uuid4

import typer

from propylon.cli.calls import path_of
from propylon.cli.ending import WRONG_USE, stop, warn
from propylon.cli.gateway import DEFAULT_URL, Json, Secret, Url, as_body, open_gateway
from propylon.cli.inputs import argument_or_stdin, duration_s, in_words, moment, read_secret
from propylon.cli.key_reads import Key, Org
from propylon.cli.printing import line, pairs, table

Algorithm = Annotated[str, typer.Option("--algorithm", help="What the holder signs with, such as RS256.")]
SecretFile = Annotated[
    str, typer.Option("--secret-file", help="The new secret, instead of one that is made; - is stdin.")
]
PublicKey = Annotated[str, typer.Option("--public-key", help="The holder's new public key, PEM; - is stdin.")]
JwksUri = Annotated[str, typer.Option("--jwks-uri", help="Where the holder publishes its keys.")]
Generate = Annotated[bool, typer.Option("--generate", help="A secret that is made, in place of a public key.")]
RetireAt = Annotated[
    int | None, typer.Option("--retire-old-at", parser=moment, metavar="MOMENT", help="When the old one ends: +24h.")
]
RetireUnused = Annotated[
    int | None,
    typer.Option("--retire-unused-for", parser=duration_s, metavar="DURATION", help="Or when unused for so long: 12h."),
]
RetireLatest = Annotated[
    int | None,
    typer.Option("--retire-latest-at", parser=moment, metavar="MOMENT", help="… but at the latest then: +30d."),
]
Repeat = Annotated[str, typer.Option("--idempotency-key", help="That of a rotation whose answer did not arrive.")]
Generation = Annotated[int, typer.Argument(metavar="GENERATION", min=1, help="As `keys ring` numbers them.")]


def rotate_key(
    key: Key,
    algorithm: Algorithm = "",
    secret_file: SecretFile = "",
    public_key: PublicKey = "",
    jwks_uri: JwksUri = "",
    generate: Generate = False,
    retire_old_at: RetireAt = None,
    retire_unused_for: RetireUnused = None,
    retire_latest_at: RetireLatest = None,
    idempotency_key: Repeat = "",
    org: Org = "",
    url: Url = DEFAULT_URL,
    secret: Secret = "",
    as_json: Json = False,
) -> None:
    """Add a generation. The old one verifies on until it is retired; a secret that is made is shown this once."""
    if sum(map(bool, (secret_file, public_key, jwks_uri))) > 1:
        stop(WRONG_USE, "--secret-file, --public-key and --jwks-uri are three ways to give one thing; keep one")
    given = {
        "algorithm": algorithm,
        "secret": secret_file and read_secret(secret_file),
        "public_key": public_key and read_secret(public_key),
        "jwks_uri": jwks_uri,
        "generate": generate,
        "retire_old_at": retire_old_at,
        "retire_when_unused_for_s": retire_unused_for,
        "retire_latest_at": retire_latest_at,
    }
    body = as_body({name: value for name, value in given.items() if value not in ("", None, False)})
    gateway = open_gateway(url, secret, as_json=as_json)
    path, name = path_of("keys", argument_or_stdin(key), "rotate"), idempotency_key or str(uuid4())
    try:
        gateway.ask("POST", path, _show_rotated, query={"org_id": org}, body=body, fields={"Idempotency-Key": name})
    except typer.Exit as ended:
        if ended.exit_code == WRONG_USE:
            warn(f"if the rotation was made all the same, --idempotency-key {name} repeats it without making another")
        raise


def show_ring(key: Key, org: Org = "", url: Url = DEFAULT_URL, secret: Secret = "", as_json: Json = False) -> None:
    """A key's generations: which verify, since when, until when, and when each last did."""
    path = path_of("keys", argument_or_stdin(key), "ring")
    open_gateway(url, secret, as_json=as_json).ask("GET", path, _show_ring, query={"org_id": org})


def retire_generation(
    key: Key, generation: Generation, org: Org = "", url: Url = DEFAULT_URL, secret: Secret = "", as_json: Json = False
) -> None:
    """End a generation at once: what only it verifies is refused from then on."""
    path = path_of("keys", argument_or_stdin(key), "ring", str(generation), "retire")
    gateway = open_gateway(url, secret, as_json=as_json)
    gateway.ask("POST", path, lambda _: line(f"retired generation {generation}"), query={"org_id": org})


def _show_rotated(answer: Mapping[str, Any]) -> None:
    shown = [(name, answer[name]) for name in ("key", "generation", "token", "secret") if name in answer]
    pairs(shown)
    if answer.get("repeated"):
        line("This rotation had been made already; its secret was shown then and is not shown again.")
    elif "secret" in answer or "token" in answer:
        line("This is the only time it is shown.")


def _show_ring(answer: Mapping[str, Any]) -> None:
    columns = ("generation", "kind", "algorithm", "state", "created", "last used", "retires")
    table(columns, (_row(one) for one in answer["entries"]))


def _row(entry: Mapping[str, Any]) -> tuple[object, ...]:
    times = (in_words(entry.get(name)) for name in ("created", "last_used", "retire_at"))
    return (*(entry.get(name) for name in ("generation", "kind", "algorithm", "state")), *times)
