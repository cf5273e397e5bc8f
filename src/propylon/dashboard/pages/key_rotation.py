"""A rotation: another secret, public key or token for the same key, while the one before goes on until it is retired.

What is made is shown in the answer to the form, once.
"""

from typing import Any, Final

from starlette.responses import Response

from propylon.control import effective, key_rotate
from propylon.control.envelope import Refused
from propylon.dashboard import problems
from propylon.dashboard.asking import ask
from propylon.dashboard.forms import Form
from propylon.dashboard.key_choices import choices_of
from propylon.dashboard.key_life import DATE, DAY_S, end_of_life
from propylon.dashboard.key_signing import PASTED_PRIVATE, PEM_MARK, Signing
from propylon.dashboard.made import made_page
from propylon.dashboard.once import new_number, use_number
from propylon.dashboard.typed_secrets import PRIVATE_KEY, sealed, shown_pem, with_typed
from propylon.dashboard.visit import Visit
from propylon.dashboard.warned import said
from propylon.model.session_secrets import JWT_ALGORITHMS

FIELDS: Final = {
    "secret": "secret",
    "public_key": "pem",
    "algorithm": "algorithm",
    "retire_old_at": "date",
    "retire_when_unused_for_s": "unused",
    "retire_latest_at": "date",
}
ENDS: Final = (
    ("open", "When I retire it, on the key's page"),
    (DATE, "On a date"),
    ("unused", "When nobody has used it for a while, but on a date at the latest"),
)
SPANS: Final = ((DAY_S, "1 day"), (3 * DAY_S, "3 days"), (7 * DAY_S, "1 week"), (30 * DAY_S, "30 days"))


async def show(visit: Visit) -> Response:
    summary = await ask(visit, effective.read, path={"key_id": visit.path["key_hash"]})
    return await _page(visit, summary, {})


async def rotate(visit: Visit) -> Response:
    summary = await ask(visit, effective.read, path={"key_id": visit.path["key_hash"]})
    order, errors = _order(visit, summary, with_typed(visit))
    if errors:
        return await _page(visit, summary, errors, 422)
    await use_number(visit)
    try:
        told = await ask(visit, key_rotate.rotate, path={"key_id": summary["key_hash"]}, body=order, writes=True)
    except Refused as refused:
        if refused.status == 404:
            raise
        return await _page(visit, summary, problems.by_field(problems.problems_of(refused), FIELDS, []), 422)
    return await _rotated(visit, summary, order, told)


async def _rotated(visit: Visit, summary: dict[str, Any], order: dict[str, Any], told: dict[str, Any]) -> Response:
    choices, warnings = await choices_of(visit), told["warnings"]
    title = f"Generation {told['generation']} made"
    if told["kind"] == "token":
        told = {**told, "key": told["token"]}
        return await made_page(visit, choices, told, summary, None, said(warnings, choices), title)
    text = told.get("secret") or order.get("secret") or order["public_key"]
    algorithm = told.get("algorithm") or ("HS256" if PEM_MARK not in text else "RS256")
    signing = Signing(algorithm, text, is_made="secret" in told)
    return await made_page(visit, choices, told, summary, signing, said(warnings, choices), title)


def _order(visit: Visit, summary: dict[str, Any], form: Form) -> tuple[dict[str, Any], dict[str, str]]:
    """What key_rotate reads, and what could not be read, by field."""
    order, errors = dict[str, Any](), dict[str, str]()
    if summary["kind"] == "jwt_key":
        order |= {"algorithm": form.text("algorithm")} if form.text("algorithm") else {}
        material = form.text("material")
        if material == "secret":
            order["secret"] = form.exact("secret")
        elif material == "pem":
            order["public_key"] = form.text("pem")
        else:
            order["generate"] = True
        if material in ("secret", "pem") and not form.text(material):
            errors[material] = "Write it."
        elif material == "pem" and PRIVATE_KEY in order["public_key"]:
            errors["pem"] = PASTED_PRIVATE
    _put_end(visit, order, errors)
    return order, errors


def _put_end(visit: Visit, order: dict[str, Any], errors: dict[str, str]) -> None:
    end = visit.form.text("end")
    if end not in dict(ENDS):
        errors["end"] = "Choose one of these."
    if end not in (DATE, "unused"):
        return
    at = end_of_life(DATE, visit.form.text("date"), visit.now)
    if isinstance(at, str):
        errors["date"] = at
    elif end == DATE:
        order["retire_old_at"] = at
    else:
        unused = visit.form.text("unused")
        order |= {"retire_when_unused_for_s": int(unused) if unused.isdecimal() else 0, "retire_latest_at": at}


async def _page(visit: Visit, summary: dict[str, Any], errors: dict[str, str], status: int = 200) -> Response:
    ring = await ask(visit, key_rotate.read_ring, path={"key_id": summary["key_hash"]})
    return visit.page(
        "key_rotation.html",
        status,
        summary=summary,
        ring=ring["entries"],
        form=visit.form,
        errors=errors,
        ends=ENDS,
        spans=[(str(span), text) for span, text in SPANS],
        algorithms=JWT_ALGORITHMS,
        once=new_number(),
        sealed=sealed(visit, {"secret": with_typed(visit).exact("secret")}),
        pem=shown_pem(visit.form.text("pem")),
        title=summary["alias"] or "this key",
    )
