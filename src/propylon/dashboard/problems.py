"""Problems that the control plane lists, put where somebody sees them: at the fields of a form."""

from collections.abc import Iterable, Mapping, Sequence

from propylon.control.envelope import Refused

Listed = Mapping[str, str]  # path, code and message of a Problem


def problems_of(refused: Refused) -> list[Listed]:
    """At least one, whatever was refused."""
    found = refused.members.get("problems") or []
    return list(found) or [{"path": "", "code": "refused", "message": refused.message}]


def sentence(problem: Listed) -> str:
    """As it stands at its field, which is its subject."""
    message = problem["message"]
    end = "" if message.endswith((".", "!")) else "."
    is_whole = not problem["path"] or message[:1].isupper()
    return f"{message[:1].upper()}{message[1:]}{end}" if is_whole else f"It {message}{end}"


def by_field(problems: Iterable[Listed], field_of: Mapping[str, str], api_ids: Sequence[str]) -> dict[str, str]:
    """`field_of` names a form's fields by path; a right's are named by API. What has no field stands under ""."""
    errors: dict[str, str] = {}
    for problem in problems:
        field = _field(problem["path"], field_of, api_ids)
        text = sentence(problem) if field or not problem["path"] else f"{problem['path']} {problem['message']}."
        errors[field] = f"{errors[field]} {text}" if field in errors else text
    return errors


def _field(path: str, field_of: Mapping[str, str], api_ids: Sequence[str]) -> str:
    if path in field_of:
        return field_of[path]
    for api_id in api_ids:
        inner = path.removeprefix(f"access_rights.{api_id}")
        if inner != path and inner.startswith(".allowed_urls"):
            return f"paths:{api_id}"
        if inner != path and inner.startswith(".limit."):
            return f"{inner.removeprefix('.limit.')}:{api_id}"
        if inner == "":
            return "access"
    return ""
