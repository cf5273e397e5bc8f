"""The forms of the dashboard API's answers and errors (dashboard-api.md §1): Tyk's, with a stable word beside.

Knows no resource. What a control function refuses keeps its own text, unless the route has Tyk's for that status.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from propylon.control.call import Answer
from propylon.control.envelope import Refused

NO_HEADERS: Final[Mapping[str, str]] = {}
NO_TEXTS: Final[Mapping[int, str]] = {}
CODES: Final[Mapping[int, str]] = {  # of refusals that name no cause of their own
    400: "malformed_input",
    401: "not_authorised",
    403: "access_denied",
    404: "not_found",
    405: "method_not_supported",
    409: "conflict",
    413: "body_too_large",
    500: "bug",
}


def done(message: str, meta: object = None, *, headers: Mapping[str, str] = NO_HEADERS, **members: Any) -> Answer:
    return Answer(200, {"Status": "OK", "Message": message, "Meta": meta, **members}, headers)


def told(refused: Refused, texts: Mapping[int, str] = NO_TEXTS) -> Answer:
    """`texts`: Tyk's, by status. What is wrong with what was sent is 400 here, also where the Gateway API says 500."""
    members = dict(refused.members)
    problems = members.get("problems") or [{}]
    status = 400 if refused.status == 500 and "problems" in members else refused.status
    code = members.pop("code", None) or problems[0].get("code") or CODES.get(status, "refused")
    text = texts.get(status, refused.message)
    detail = {"detail": refused.message} if text != refused.message else {}
    document = {"Status": "Error", "Message": text, "Meta": None, "code": code, **detail, **members}
    return Answer(status, document, refused.headers)


def document_of(answer: Answer) -> dict[str, Any]:
    """Of a control function that answers with an object, as all do that are called here."""
    assert isinstance(answer.document, dict)
    return answer.document


def rfc3339(seconds: float) -> str | None:
    """None for never, which Tyk writes as 0 or -1, and for a time beyond the year 9999."""
    if seconds <= 0:
        return None
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):
        return None
