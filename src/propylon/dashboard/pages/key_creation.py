"""A new key on one page (user-pains P2, P3, P7): what it opens, its limits, how long it lives, and what it verifies.

"Preview" shows what would be in force and stores nothing. The answer to "Create" shows what is shown once: it is the
answer to a form, so nobody can load it again.
"""

from secrets import token_hex
from typing import Any, Final, NamedTuple

from starlette.responses import Response

from propylon.control import effective, key_foresight, keys
from propylon.control.envelope import Refused
from propylon.dashboard import problems
from propylon.dashboard.asking import ask
from propylon.dashboard.forms import Form
from propylon.dashboard.key_choices import Choices, choices_of
from propylon.dashboard.key_form import chosen_apis, chosen_policies, read_key_form
from propylon.dashboard.key_page import FIELDS, form_values, own_fields
from propylon.dashboard.key_signing import Signing, mismatches, preset_algorithm, read_signing
from propylon.dashboard.made import made_page
from propylon.dashboard.once import new_number, use_number
from propylon.dashboard.typed_secrets import sealed, shown_pem, with_typed
from propylon.dashboard.visit import Visit
from propylon.dashboard.warned import said

TAKEN: Final = "There is a key with this ID already; choose another, or change that one"
PATHS: Final = {
    **FIELDS,
    "key_id": "key_id",
    "jwt_data.algorithm": "algorithm",
}


class Draft(NamedTuple):
    """The form, read."""

    document: dict[str, Any]
    signing: Signing | None
    errors: dict[str, str]  # by field


async def show(visit: Visit) -> Response:
    """`?kind=jwt`, `?api=` and `?policy=` choose beforehand, for links from other pages."""
    choices = await choices_of(visit)
    return _page(visit, choices, _fresh(visit))


async def create(visit: Visit) -> Response:
    """`do` says which button it was: choose (shows the fields of what is chosen), preview, or create."""
    choices, form = await choices_of(visit), with_typed(visit)
    if form.text("do") == "choose":
        return _page(visit, choices, form)
    draft = _read(visit, choices, form)
    if draft.errors:
        return _page(visit, choices, form, errors=draft.errors, status=422)
    if form.text("do") == "preview":
        return await _previewed(visit, choices, form, draft)
    return await _created(visit, choices, form, draft)


def _fresh(visit: Visit) -> Form:
    query = visit.query
    fields = {
        "alias": [f"client-{token_hex(2)}"],
        "access": ["policies" if query.get("policy") else "apis"],
        "api": [query["api"]] if query.get("api") else [],
        "policy": [query["policy"]] if query.get("policy") else [],
        "is_jwt": ["1"] if query.get("kind") == "jwt" else [],
        "material": ["generate"],
        "life": ["never"],
    }
    return Form(fields)


def _read(visit: Visit, choices: Choices, form: Form) -> Draft:
    document, errors = read_key_form(form, choices, {"org_id": visit.who.org_id}, visit.now)
    signing = read_signing(form, choices.granted(chosen_apis(form), chosen_policies(form)), errors)
    if signing is not None:
        document["jwt_data"] = {"secret": signing.text, "algorithm": signing.algorithm}
    return Draft(document, signing, errors)


async def _previewed(visit: Visit, choices: Choices, form: Form, draft: Draft) -> Response:
    try:
        foreseen = await ask(visit, key_foresight.foresee, body=draft.document)
    except Refused as refused:
        return _page(visit, choices, form, errors=_errors(form, refused), status=422)
    return _page(visit, choices, form, foreseen=foreseen)


async def _created(visit: Visit, choices: Choices, form: Form, draft: Draft) -> Response:
    await use_number(visit)
    path = {"key_id": visit.form.text("key_id")} if visit.form.text("key_id") else {}
    try:
        told = await ask(visit, keys.add, path=path, body=draft.document, writes=True)
    except Refused as refused:
        return _page(visit, choices, form, errors=_errors(form, refused), status=422)
    summary = await ask(visit, effective.read, path={"key_id": told["key_hash"]})
    return await made_page(visit, choices, told, summary, draft.signing, _warnings(visit, choices, draft, told))


def _errors(form: Form, refused: Refused) -> dict[str, str]:
    secret = {"jwt_data.secret": "pem" if form.text("material") == "pem" else "secret"}
    listed = problems.problems_of(refused)
    if refused.members.get("code") == "key_exists":
        listed = [{"path": "key_id", "message": TAKEN}]
    return problems.by_field(listed, PATHS | secret | own_fields(chosen_apis(form)), chosen_apis(form))


def _warnings(visit: Visit, choices: Choices, draft: Draft, told: dict[str, Any]) -> list[str]:
    granted = choices.granted(chosen_apis(visit.form), chosen_policies(visit.form))
    return [*mismatches(draft.signing, granted), *said(told["warnings"], choices)]


def _page(
    visit: Visit,
    choices: Choices,
    form: Form,
    *,
    errors: dict[str, str] | None = None,
    foreseen: dict[str, Any] | None = None,
    status: int = 200,
) -> Response:
    granted = choices.granted(chosen_apis(form), chosen_policies(form))
    warnings = [] if foreseen is None else said(foreseen["warnings"], choices)
    signing = read_signing(form, granted, {}) if foreseen is not None else None
    return visit.page(
        "key_new.html",
        status,
        **form_values(form, choices, errors or {}),
        preset=preset_algorithm(granted),
        once=new_number(),
        sealed=sealed(visit, {"secret": form.exact("secret")}),
        pem=shown_pem(form.text("pem")),
        foreseen=foreseen,
        warnings=[*mismatches(signing, granted), *warnings],
    )
