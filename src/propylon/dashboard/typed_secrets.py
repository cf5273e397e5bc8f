"""A secret that was typed and is needed once more: after a question, a preview, or an error elsewhere in the form.

No page answers with it. It goes along sealed (AES-256-GCM under the root secret), so that nothing is kept between two
pages and any control process may answer the second: good for whoever typed it, in that session, at that address, for
half an hour. Where a form comes back with an empty field, what is sealed is meant.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from propylon.control.envelope import Refused
from propylon.dashboard.document_edits import at, put
from propylon.dashboard.forms import Form
from propylon.dashboard.visit import Visit
from propylon.errors import StoreUnavailable
from propylon.model.api_definition import extract_secrets, restore_secrets
from propylon.model.session_secrets import SECRET_PATHS

FIELD: Final = "sealed"  # of a form
GOOD_S: Final = 1_800.0
OVER: Final = "The secret that you typed on the page before is not kept any longer. Go back and type it again"
PRIVATE_KEY: Final = "PRIVATE KEY"  # in PEM, whatever its kind
# Members of definitions and sessions that hold secrets, in a text that is no JSON; an address of a key set may stay.
_NAMES: Final = "jwt_source|key|secret|client_secret|shared_secret|password|hmac_string"
_MEMBER: Final = re.compile(rf'("(?:{_NAMES})"\s*:\s*)"(?!https?://|")(?:[^"\\\n]|\\.)*"?')


def sealed(visit: Visit, secrets: Mapping[str, str]) -> str:
    """For the field FIELD of the form that comes next; "" where nothing was typed."""
    typed = {name: secret for name, secret in secrets.items() if secret}
    if not typed:
        return ""
    return visit.desk.sealing.seal(json.dumps({"until": visit.now + GOOD_S, "typed": typed}), _binding(visit))


def unsealed(visit: Visit) -> dict[str, str]:
    """What `sealed` was given, by name; nothing where none came along. Raises Refused when it is not good any more."""
    text = visit.form.text(FIELD)
    if not text:
        return {}
    try:
        kept = json.loads(visit.desk.sealing.unseal(text, _binding(visit)))
    except StoreUnavailable:
        raise Refused(400, OVER, code="sealed_elsewhere") from None
    if visit.now >= kept["until"]:
        raise Refused(400, OVER, code="sealed_too_long_ago")
    return dict(kept["typed"])


def with_typed(visit: Visit, name: str = "secret") -> Form:
    """The form with what was typed before in the place of an empty field."""
    if visit.form.exact(name):
        return visit.form
    return visit.form.having(**{name: unsealed(visit).get(name, "")})


def whole_definition(visit: Visit, document: Mapping[str, Any]) -> dict[str, Any]:
    """A definition that came back without the secrets that were typed into it before, with them."""
    kept = unsealed(visit)
    return restore_secrets(document, kept) if kept else dict(document)


def shown_definition(visit: Visit, document: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """A definition as a page may show it, and its secrets sealed."""
    shown, secrets = extract_secrets(document)
    return shown, sealed(visit, secrets)


def whole_session(visit: Visit, session: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a key's session."""
    whole = dict(session)
    for path, secret in unsealed(visit).items():
        whole = whole if at(whole, path) else put(whole, path, secret)
    return whole


def shown_session(visit: Visit, session: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The same of a key's session."""
    secrets = {path: str(value) for path in SECRET_PATHS if (value := at(session, path))}
    shown = dict(session)
    for path in secrets:
        shown = put(shown, path, "")
    return shown, sealed(visit, secrets)


def shown_pem(text: str) -> str:
    """Whoever pastes the wrong half of a key pair does not get it back."""
    return "" if PRIVATE_KEY in text else text


def shown_text(text: str) -> str:
    """A text that should be JSON and is not, without what looks like secrets in it: nothing else can be told of it."""
    return _MEMBER.sub(r'\1""', text)


def _binding(visit: Visit) -> str:
    return f"form:{visit.who.user_id}:{visit.who.session}:{visit.request.url.path}"
