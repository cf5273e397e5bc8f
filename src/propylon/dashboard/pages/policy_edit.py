"""One policy: made, changed, looked at from all sides, and tried on a key before it is saved.

The buttons of the form that save nothing (add an API, take one out, try it on a key) answer with the form as it stands.
"""

from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Any, Final, NamedTuple

from starlette.responses import Response

from propylon.control import definition_uses, key_find, lint, policy_preview
from propylon.control.definitions import JudgedPolicy, judge_policy
from propylon.control.envelope import Refused
from propylon.dashboard import policy_form
from propylon.dashboard.asking import ask
from propylon.dashboard.definitions import POLICY, Document, Refusal, Stored, create, may_write, said_once, save, stored
from propylon.dashboard.names import api_names
from propylon.dashboard.policy_form import STARTING, PolicyValues, document_of, values_in, values_of
from propylon.dashboard.review import ask_first, reviewed
from propylon.dashboard.visit import Visit
from propylon.errors import Problem
from propylon.model.permissions import Area

AREA: Final[Area] = "policies"
NOTHING: Final[Mapping[str, str]] = {}
NO_ACCESS: Final = "no access"
BLANK_META: Final = 2  # rows for new values


class Trial(NamedTuple):
    """What the policy, as it stands in the form, makes of a key."""

    alias: str
    key_hash: str
    is_applied: bool
    rows: list[tuple[str, str, str]]  # what, before, after
    problem: str = ""


async def show_new(visit: Visit) -> Response:
    return await _page(visit, None, values_of(STARTING))


async def make(visit: Visit) -> Response:
    values = values_in(visit.form)
    if (answer := await _unsaved(visit, None, STARTING, values)) is not None:
        return answer
    made = document_of(STARTING, values, await api_names(visit))
    if made.errors:
        return await _page(visit, None, values, made.errors, status=422)
    written = await create(visit, POLICY, with_id({**made.document, "id": visit.form.text("id")}))
    if isinstance(written, Refusal):
        return await _refused(visit, None, values, written)
    return visit.to(f"/policies/{written.id}", done="policy_created", said=written.said)


async def show(visit: Visit) -> Response:
    policy = await stored(visit, POLICY)
    return await _page(visit, policy, values_of(policy.document))


async def change(visit: Visit) -> Response:
    policy, asked = await stored(visit, POLICY), reviewed(visit)
    if asked is not None and asked.goes_back:
        return await _page(visit, policy, values_of(asked.document), etag=asked.etag)
    if asked is not None:
        return await _saved(visit, policy, values_of(asked.document), asked.document, asked.etag)
    values, etag = values_in(visit.form), visit.form.text("etag")
    if (answer := await _unsaved(visit, policy, policy.document, values)) is not None:
        return answer
    document, errors = document_of(policy.document, values, await api_names(visit))
    if errors:
        return await _page(visit, policy, values, errors, etag=etag, status=422)
    if etag == policy.etag and document != policy.document and (risks := await risks_of(visit, document)):
        return ask_first(visit, POLICY, policy, document, etag=etag, clear=(), risks=risks, verb="Save the policy")
    return await _saved(visit, policy, values, document, etag)


async def risks_of(visit: Visit, document: Mapping[str, Any]) -> list[str]:
    """Who follows a change of the policy from the next request on, in sentences; none of one that cannot be saved."""
    if not isinstance(judge_policy(document, visit.who.org_id, visit.desk.settings), JudgedPolicy):
        return []
    uses = await ask(visit, definition_uses.read_policy, path={"policy_id": visit.path["id"]})
    return [f"{sentence[0].upper()}{sentence[1:]}: from the next request on." for sentence in used_by(uses)]


def used_by(uses: Mapping[str, Any]) -> list[str]:
    sentences = []
    if keys := uses["keys"]:
        more = " or more" if keys == uses["counted_to"] else ""
        sentences.append(f"{keys:,}{more} key{'' if keys == 1 else 's'}")
    if apis := uses["apis"]:
        named = ", ".join(f"{one['name']} (as {' and '.join(one['as'])})" for one in apis)
        sentences.append(f"the tokens of {len(apis)} API{'' if len(apis) == 1 else 's'}: {named}")
    return sentences


def with_id(document: Document) -> Document:
    return document if document.get("id") or document.get("_id") else {**document, "id": token_hex(12)}


async def _unsaved(
    visit: Visit, policy: Stored | None, base: Mapping[str, Any], values: PolicyValues
) -> Response | None:
    """What the other buttons answer; None for the one that saves."""
    what, _, api_id = visit.form.text("do").partition(":")
    etag = visit.form.text("etag")
    if what == "remove":
        rights = {one: right for one, right in values.rights.items() if one != api_id}
        return await _page(visit, policy, values._replace(rights=rights), etag=etag)
    if what == "add":
        return await _with_added(visit, policy, values)
    if what == "try":
        document, errors = document_of(base, values, await api_names(visit))
        trial = None if errors else await _trial(visit, with_id(document), errors)
        return await _page(visit, policy, values, errors, etag=etag, status=422 if errors else 200, trial=trial)
    return None


async def _with_added(visit: Visit, policy: Stored | None, values: PolicyValues) -> Response:
    api_id, etag = visit.form.text("add_api"), visit.form.text("etag")
    if not api_id:
        return await _page(visit, policy, values, {"add_api": "Choose an API."}, etag=etag, status=422)
    blank = policy_form.values_of({"access_rights": {api_id: {}}}).rights
    return await _page(visit, policy, values._replace(rights={**blank, **values.rights}), etag=etag)


async def _trial(visit: Visit, document: Document, errors: dict[str, str]) -> Trial | None:
    """Of the first key that is known by what was typed; it may be a credential, so it is not shown again."""
    text = visit.form.text("trial_key")
    if not text:
        errors["trial_key"] = "Write something that is known of the key."
        return None
    try:
        found = await ask(visit, key_find.find, query={"q": text})
        keys = [one for one in found["matches"] if one["kind"] == "key"]
        if not keys:
            raise Refused(404, "No key is known by that")
        body = {"policy": document, "key_hash": keys[0]["key_hash"]}
        told = await ask(visit, policy_preview.preview, body=body)
    except Refused as refused:
        problems = [f"{one['path']} {one['message']}" for one in refused.members.get("problems", [])]
        errors["trial_key"] = f"{'; '.join(problems) or refused.message}."
        return None
    names = await api_names(visit)
    rows = _compared(told["before"], told["after"], names)
    return Trial(told["alias"], keys[0]["key_hash"], told["is_applied"], rows)


def _compared(
    before: Mapping[str, Any], after: Mapping[str, Any], names: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    """All of it and not only what differs, so that what stays is seen too."""
    was, becomes = before["session"], after["session"]
    if was is None or becomes is None:
        return [("Every request", _verdict(before), _verdict(after))]
    rows = [("State", _state(was), _state(becomes))]
    for api_id in dict.fromkeys([*was["access"], *becomes["access"]]):
        one, other, name = was["access"].get(api_id), becomes["access"].get(api_id), names.get(api_id, api_id)
        rows += [
            (f"{name}: {what}", tell(one) if one else NO_ACCESS, tell(other) if other else NO_ACCESS)
            for what, tell in _TOLD
        ]
    return rows


def _state(session: Mapping[str, Any]) -> str:
    return "refused, as it is inactive" if session["is_inactive"] else "served"


def _verdict(one: Mapping[str, Any]) -> str:
    return f"refused: {one['problem']['message']}" if one["session"] is None else "served"


def _rate(access: Mapping[str, Any]) -> str:
    limited = access["rate"] > 0 and access["per"] > 0
    return f"{access['rate']:g} per {access['per']:g} s" if limited else "unlimited"


def _quota(access: Mapping[str, Any]) -> str:
    if access["quota_max"] <= 0:
        return "unlimited"
    renewal = access["quota_renewal_rate"]
    return f"{access['quota_max']:,}, {f'renewed every {renewal:,} s' if renewal > 0 else 'never renewed'}"


def _paths(access: Mapping[str, Any]) -> str:
    return "; ".join(f"{','.join(one['methods'])} {one['url']}" for one in access["allowed_urls"]) or "all"


def _versions(access: Mapping[str, Any]) -> str:
    return ", ".join(access["versions"]) or "all"


_TOLD: Final = (("paths", _paths), ("versions", _versions), ("rate", _rate), ("quota", _quota))


async def _saved(
    visit: Visit, policy: Stored, values: PolicyValues, document: Mapping[str, Any], etag: str
) -> Response:
    written = await save(visit, POLICY, document, etag)
    if isinstance(written, Refusal):
        return await _refused(visit, policy, values, written)
    return visit.to(f"/policies/{written.id}", done="policy_saved", said=written.said)


async def _refused(visit: Visit, policy: Stored | None, values: PolicyValues, refusal: Refusal) -> Response:
    errors: dict[str, str] = {}
    elsewhere: list[Problem] = []
    for problem in refusal.problems:
        field = policy_form.place_of(problem.path)
        if field and field not in errors:
            errors[field] = f"It {problem.message}."
        else:
            elsewhere.append(problem)
    if not refusal.problems and not refusal.etag:
        elsewhere.append(Problem("", "refused", refusal.message))
    etag = refusal.etag or visit.form.text("etag")
    more = {"elsewhere": elsewhere, "changed": refusal.changed, "is_late": bool(refusal.etag)}
    return await _page(visit, policy, values, errors, etag=etag, status=refusal.page_status, **more)


async def _page(
    visit: Visit,
    policy: Stored | None,
    values: PolicyValues,
    errors: Mapping[str, str] = NOTHING,
    *,
    etag: str = "",
    status: int = 200,
    **more: Any,
) -> Response:
    names = await api_names(visit)
    may = may_write(visit, AREA) and (policy is None or not policy.file)
    may_see_keys = visit.who.permissions.allows("keys", "read")
    uses = (
        None if policy is None else await ask(visit, definition_uses.read_policy, path={"policy_id": visit.path["id"]})
    )
    return visit.page(
        "policy_form.html",
        status,
        policy=policy,
        id=visit.path.get("id", ""),
        new_id=visit.form.text("id"),
        values=values.root,
        rights=values.rights,
        meta=[*values.meta, *([("", "")] * (BLANK_META if may else 0))],
        errors=errors,
        etag=etag or ("" if policy is None else policy.etag),
        findings=[] if policy is None else await _findings(visit),
        used_by=[] if uses is None else used_by(uses),
        uses=uses,
        names=names,
        free=sorted(
            ((one, name) for one, name in names.items() if one not in values.rights), key=lambda one: one[1].lower()
        ),
        is_long=len(values.rights) > policy_form.RIGHTS_MAX,
        may_write=may,
        may_see_keys=may_see_keys,
        said=said_once(visit.query),
        states={"active": "Active", "draft": "Draft", "denied": "Access denied"},
        lives=_with_own(policy_form.LIVES, values.root["key_expires_in"]),
        renewals=policy_form.RENEWALS,
        with_own=_with_own,
        **{"elsewhere": [], "changed": [], "is_late": False, "trial": None, **more},
    )


async def _findings(visit: Visit) -> Sequence[Mapping[str, str]]:
    found = await ask(visit, lint.read, path={"policy_id": visit.path["id"]})
    findings: list[Mapping[str, str]] = found["findings"]
    return findings


def _with_own(choices: Sequence[tuple[int, str]], value: str) -> list[tuple[str, str]]:
    """With a number of seconds that is none of the usual ones, so that it stays what it is."""
    shown = [(str(seconds), text) for seconds, text in choices]
    known = value in ("", *(seconds for seconds, _ in shown))
    return shown if known else [*shown, (value, f"{value} s")]
