"""The first request with a key: a curl that can be pasted, tried before it is shown by the code that judges requests.

The address is that of `listen`.
"""

import re
from collections.abc import Mapping
from shlex import quote
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from propylon.control import explain
from propylon.control.envelope import Refused
from propylon.dashboard.asking import ask
from propylon.dashboard.gateway_address import gateway_url
from propylon.dashboard.key_choices import ApiChoice
from propylon.dashboard.visit import Visit
from propylon.model.api_definition import ApiDefinition, CredentialSource

PLAIN_PATH: Final = re.compile(r"/?[A-Za-z0-9._~/-]*")
TOKEN_NAME: Final = "$TOKEN"


class FirstRequest(NamedTuple):
    """`passes` None: it could not be tried, as the token has yet to be signed by somebody else."""

    api: str
    curl: str
    passes: bool | None
    because: str  # why it would be refused, "" otherwise


def api_to_try(apis: list[ApiChoice], access: Mapping[str, Any], *, is_jwt: bool) -> ApiChoice | None:
    """The first that such a key is for, and whose address can be told."""
    wanted = "per_key" if is_jwt else "token"
    fitting = [one for one in apis if one.auth == wanted and one.api_id in access]
    return next((one for one in fitting if one.definition is not None and not one.definition.listen_pattern), None)


async def first_request(visit: Visit, api: ApiChoice, right: Mapping[str, Any], credential: str) -> FirstRequest:
    """`right` is what is in force there; a `credential` of TOKEN_NAME is put in by whoever signs it."""
    assert api.definition is not None, "api_to_try chose it"
    method, path = _target(api.definition, right)
    curl = _curl(visit, api.definition, method, path, credential)
    if credential == TOKEN_NAME:
        return FirstRequest(api.name, curl, None, "")
    question = {"api_id": api.api_id, "method": method, "path": path, "token": credential}
    try:
        verdict = (await ask(visit, explain.explain, body=question))["verdict"]
    except Refused as refused:
        return FirstRequest(api.name, curl, False, refused.message)
    return FirstRequest(api.name, curl, verdict["passes"], "" if verdict["passes"] else verdict["message"])


def _target(definition: ApiDefinition, right: Mapping[str, Any]) -> tuple[str, str]:
    """A method and path that the right admits, as far as its patterns are plain paths."""
    listen = definition.listen_path
    for one in right.get("allowed_urls") or []:
        if PLAIN_PATH.fullmatch(one["url"]) and one["methods"]:
            return str(one["methods"][0]), f"{listen.rstrip('/')}/{one['url'].lstrip('/')}"
    return "GET", listen


def _curl(visit: Visit, definition: ApiDefinition, method: str, path: str, credential: str) -> str:
    verb = "" if method == "GET" else f" -X {method}"
    place = gateway_url(visit.desk.settings, visit.request.url.hostname or "127.0.0.1") + path
    source, is_token = definition.credential, definition.auth_mode == "jwt"
    return f"curl -i{verb}{_sent(source, place, credential, is_token=is_token)}"


def _sent(source: CredentialSource, place: str, credential: str, *, is_token: bool) -> str:
    """Where the API looks for it: header, else query, else cookie."""
    if source.header_name:
        value = f"Bearer {credential}" if is_token else credential
        return f" -H {_quoted(f'{source.header_name}: {value}')} {quote(place)}"
    if source.param_name:
        named = urlencode({source.param_name: credential}, safe="$")
        return f" {_quoted(f'{place}?{named}')}"
    return f" -H {_quoted(f'Cookie: {source.cookie_name}={credential}')} {quote(place)}"


def _quoted(text: str) -> str:
    """For a shell: what has TOKEN_NAME in it is to be filled in by that shell."""
    return f'"{text}"' if TOKEN_NAME in text else quote(text)
