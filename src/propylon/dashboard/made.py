"""What is shown once: a key just made, or a generation of one, and how to use it (user-pains P3)."""

import json
from shlex import quote
from typing import Any, NamedTuple

from starlette.responses import Response

from propylon.control.sample_token import Sample, sample_of, signed_sample
from propylon.dashboard.first_request import TOKEN_NAME, api_to_try, first_request
from propylon.dashboard.key_choices import ApiChoice, Choices
from propylon.dashboard.key_signing import Signing
from propylon.dashboard.visit import Visit


class Signed(NamedTuple):
    """What the client of a JWT key writes and signs."""

    header: str
    claims: str
    algorithm: str
    sample: str  # a token, "" when only the client can sign one
    command: str  # that signs one with the client's own key


async def made_page(
    visit: Visit,
    choices: Choices,
    told: dict[str, Any],
    summary: dict[str, Any],
    signing: Signing | None,
    warnings: list[str],
    title: str = "Key created",
) -> Response:
    """`told`: what the write answered, with `key` the ID; `summary`: what is in force now."""
    access = {} if summary["session"] is None else summary["session"]["access"]
    api = api_to_try([*choices.apis.values()], access, is_jwt=signing is not None)
    signed = None if signing is None else _signed(visit, told["key"], signing, api)
    credential = told["key"] if signed is None else signed.sample or TOKEN_NAME
    request = None if api is None else await first_request(visit, api, access[api.api_id], credential)
    return visit.page(
        "key_made.html",
        title=title,
        told=told,
        summary=summary,
        signing=signing,
        signed=signed,
        request=request,
        opens=[choices.names.get(api_id, api_id) for api_id in access],
        warnings=warnings,
    )


def _signed(visit: Visit, key_id: str, signing: Signing, api: ApiChoice | None) -> Signed:
    jwt = None if api is None or api.definition is None else api.definition.jwt
    sample = sample_of(key_id, signing.algorithm, jwt, visit.now)
    token = signed_sample(sample, signing.text) if signing.is_secret else ""
    header, claims = (json.dumps(part, indent=2) for part in sample)
    return Signed(header, claims, signing.algorithm, token, "" if token else _command(sample))


def _command(sample: Sample) -> str:
    """Where the private key is. What the command sets itself is left out."""
    head = {name: value for name, value in sample.header.items() if name not in ("alg", "kid", "typ")}
    head |= {"typ": sample.header["typ"]} if sample.header["typ"] != "JWT" else {}
    claims = {name: value for name, value in sample.claims.items() if name not in ("iat", "exp")}
    given = [_option("-H", name, value) for name, value in head.items()]
    given += [_option("-c", name, value) for name, value in claims.items()]
    kid, algorithm = quote(sample.header["kid"]), sample.header["alg"]
    parts = ["propylon jwt sign --key private.pem", f"--alg {algorithm} --kid {kid}"]
    return f"{TOKEN_NAME[1:]}=$({' '.join([*parts, *given, '--expires-in 5m'])})"


def _option(option: str, name: str, value: Any) -> str:
    return f"{option} {quote(f'{name}:={json.dumps(value)}')}"
