"""A question's request as the bytes a client would send, read by the data path's own reader.

So whatever the reader refuses of a client is refused here, and there is one normal form of a path.
"""

from urllib.parse import quote

from propylon.control.explain_question import Question
from propylon.errors import Failure, MalformedRequest
from propylon.http.limits import HeadLimits
from propylon.http.messages import RequestHead
from propylon.http.request_reader import RequestReader
from propylon.http.target import parse_target
from propylon.model.credential_source import CredentialSource
from propylon.snapshot.route import Route
from propylon.snapshot.snapshot import Snapshot

USUAL: CredentialSource = CredentialSource("Authorization", "", "")  # where no API is known to look elsewhere


def head_of(
    question: Question, snapshot: Snapshot, asked: Route | None, limits: HeadLimits, within: str | None
) -> RequestHead | Failure:
    """`asked` is the route of the API that the question names."""
    target = _target(question.target, asked)
    route = asked or _route_at(target, snapshot, within)
    source = USUAL if route is None or route.definition is None else route.definition.credential
    event = RequestReader(limits).feed(_raw(question, target, source))[0]
    assert event is not None
    assert not isinstance(event, bytes)
    return event


def _target(target: str, asked: Route | None) -> str:
    """A path that does not begin with the listen path stands below it."""
    if asked is None or asked.listen_pattern:
        return target
    base = asked.listen_path.rstrip("/")
    path = target.partition("?")[0]
    if not path:
        return asked.listen_path + target
    return target if path == base or path.startswith(f"{base}/") else f"{base}/{target.lstrip('/')}"


def is_beyond(route: Route, within: str | None) -> bool:
    """Whether it is an API of another organisation than the one that bounds who asks."""
    return within is not None and (route.definition is None or route.definition.org_id != within)


def _route_at(target: str, snapshot: Snapshot, within: str | None) -> Route | None:
    try:
        path, _, _ = parse_target(target.encode("latin-1"))
    except MalformedRequest:  # the reader will say so, if nothing else comes first
        return None
    found = snapshot.table.match(path)
    return None if found is None or is_beyond(found[0], within) else found[0]


def _raw(question: Question, target: str, source: CredentialSource) -> bytes:
    lines = [f"{name}: {value}" for name, value in question.headers]
    if question.credential:
        if source.header_name:
            lines.append(f"{source.header_name}: {question.credential}")
        elif source.param_name:
            mark = "&" if "?" in target else "?"
            target += (
                f"{mark}{quote(source.param_name, safe='')}={quote(question.credential, safe='', encoding='latin-1')}"
            )
        else:
            lines.append(f"Cookie: {source.cookie_name}={quote(question.credential, safe='', encoding='latin-1')}")
    if question.content_length:
        lines.append(f"Content-Length: {question.content_length}")
    head = "\r\n".join([f"{question.method} {target} HTTP/1.1", f"Host: {question.host}", *lines, "", ""])
    return head.encode("latin-1")
