"""One API: its common fields as a form, made and changed. What the form does not show stays as it was written."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.responses import Response

from propylon.control import api_preview
from propylon.dashboard import api_form
from propylon.dashboard.access_words import access_line
from propylon.dashboard.api_form import STARTING, Values, auth_of, document_of, values_in, values_of
from propylon.dashboard.asking import ask
from propylon.dashboard.definitions import API, Document, Refusal, Stored, create, may_write, said_once, save, stored
from propylon.dashboard.review import ask_first, reviewed
from propylon.dashboard.typed_secrets import sealed, shown_pem, with_typed
from propylon.dashboard.visit import Visit
from propylon.errors import Problem
from propylon.model.definition_secrets import FINGERPRINT
from propylon.model.field_classes import GUARD_CODE
from propylon.model.permissions import Area

# Warnings of a definition as it stands that are no news on its page: a write of it keeps its secrets.
SILENT: Final = frozenset({"secret_kept"})
AREA: Final[Area] = "apis"


async def show_new(visit: Visit) -> Response:
    return await _page(visit, None, {**values_of(STARTING), "api_id": ""})


async def make(visit: Visit) -> Response:
    values = {**values_in(with_typed(visit)), "api_id": visit.form.text("api_id")}
    made = document_of(STARTING, values)
    document = {**made.document, "api_id": values["api_id"]}
    if made.errors:
        return await _page(visit, None, values, made.errors, status=422)
    written = await create(visit, API, document)
    if isinstance(written, Refusal):
        return await _refused(visit, None, values, written)
    return visit.to(f"/apis/{written.id}", done="api_created", said=written.said)


async def show(visit: Visit) -> Response:
    api = await stored(visit, API)
    return await _page(visit, api, values_of(api.document))


async def change(visit: Visit) -> Response:
    api, asked = await stored(visit, API), reviewed(visit)
    if asked is not None and asked.goes_back:
        return await _page(visit, api, values_of(asked.document), etag=asked.etag)
    if asked is not None:
        return await _saved(visit, api, values_of(asked.document), asked.document, asked.etag, asked.clear)
    values, etag = values_in(with_typed(visit)), visit.form.text("etag")
    document, clear, errors = document_of(api.document, values)
    if errors:
        return await _page(visit, api, values, errors, etag=etag, status=422)
    if etag == api.etag and (risks := await risks_of(visit, api, document, clear)):
        return ask_first(visit, API, api, document, etag=etag, clear=clear, risks=risks, verb="Save the API")
    return await _saved(visit, api, values, document, etag, clear)


async def risks_of(visit: Visit, api: Stored, document: Mapping[str, Any], clear: Sequence[str]) -> list[str]:
    """What a change of the API reaches beyond itself, in sentences; none when nobody would be surprised.

    Nor of one that cannot be saved: its problems are told first.
    """
    query = {"clear": ",".join(clear)} if clear else {}
    judged = await ask(visit, api_preview.preview, query=query, body=document)
    if judged["problems"]:
        return []
    risks = [one["message"] for one in judged["mode_change"]]
    if api.document.get("active", True) and document.get("active", True) is not True:
        risks.append("Requests to it will find no API from the next one on.")
    if auth_of(document) == "keyless" and auth_of(api.document) != "keyless":
        risks.append("It will be open: whoever reaches the gateway may call it, without a key or a token.")
    return risks


async def _saved(
    visit: Visit, api: Stored, values: Values, document: Document, etag: str, clear: Sequence[str]
) -> Response:
    written = await save(visit, API, document, etag, clear)
    if isinstance(written, Refusal):
        return await _refused(visit, api, values, written)
    return visit.to(f"/apis/{written.id}", done="api_saved", said=written.said)


async def _refused(visit: Visit, api: Stored | None, values: Values, refusal: Refusal) -> Response:
    """Each problem at its field; what no field speaks of, above them."""
    errors: dict[str, str] = {}
    elsewhere: list[Problem] = []
    for problem in refusal.problems:
        field = _field_of(problem.path, values)
        if field and field not in errors:
            errors[field] = f"It {problem.message}."
        else:
            elsewhere.append(problem)
    if not refusal.problems and not refusal.etag:
        elsewhere.append(Problem("", "refused", refusal.message))
    etag = refusal.etag or visit.form.text("etag")
    return await _page(
        visit,
        api,
        values,
        errors,
        etag=etag,
        status=refusal.page_status,
        elsewhere=elsewhere,
        changed=refusal.changed,
        is_late=bool(refusal.etag),
    )


def _field_of(path: str, values: Values) -> str:
    """A source of keys stands in one of three fields."""
    field = api_form.place_of(path)
    if field in ("secret", "key_set_urls"):
        return {"secret": "secret", "public_key": "public_key", "urls": "key_set_urls"}.get(
            values["source_kind"], field
        )
    return field


async def _page(
    visit: Visit,
    api: Stored | None,
    values: Values,
    errors: Mapping[str, str] = {},
    *,
    etag: str = "",
    status: int = 200,
    **more: Any,
) -> Response:
    warnings = [] if api is None else await _warnings(visit, api.document)
    row = None if api is None else await visit.desk.records.api(visit.path["id"])
    definition = None if row is None else visit.desk.known_apis.definition(row)
    policies = [one.id for one in await visit.desk.records.policies() if one.org_id == visit.who.org_id]
    return visit.page(
        "api_form.html",
        status,
        api=api,
        id=visit.path.get("id", ""),
        values=values | {"secret": "", "public_key": shown_pem(values["public_key"])},
        sealed=sealed(visit, {"secret": values["secret"]}),
        errors=errors,
        etag=etag or ("" if api is None else api.etag),
        access_line="" if definition is None else access_line(definition),
        guards=[one for one in warnings if one["code"] == GUARD_CODE],
        warnings=[one for one in warnings if one["code"] != GUARD_CODE],
        secret_fingerprint="" if api is None else api.document.get(f"jwt_source{FINGERPRINT}", ""),
        policies=policies,
        said=said_once(visit.query),
        may_write=may_write(visit, AREA) and (api is None or not api.file),
        **{"elsewhere": [], "changed": [], "is_late": False, **more},
    )


async def _warnings(visit: Visit, document: Document) -> list[dict[str, str]]:
    """Of the definition as it is stored; of one that no longer reads, its problems."""
    judged = await ask(visit, api_preview.preview, body=document)
    return [one for one in (*judged["problems"], *judged["warnings"]) if one["code"] not in SILENT]
