"""Files of definitions, policies and keys, judged offline by the rules the gateway judges them by.

What a file holds is told by its members. Across the files only what any one gateway would refuse is looked at: the same
id or listen path twice, and names that none of the files defines.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from propylon.clock import SystemClock
from propylon.control.definition_files import policies_in
from propylon.control.definitions import JudgedApi, JudgedPolicy, judge_api, judge_policy, refused_when_strict
from propylon.control.strict_json import MalformedJson, read_json
from propylon.errors import Problem
from propylon.model.api_definition import ApiDefinition
from propylon.model.document_reader import unwrap
from propylon.model.field_classes import GUARD_CODE
from propylon.model.session import parse_session
from propylon.settings import Settings

Kind = Literal["api", "policy", "key"]

# Members that only one kind has.
_API: Final = frozenset({"proxy", "version_data", "use_keyless", "enable_jwt", "openapi", "x-tyk-api-gateway"})
_KEY: Final = frozenset(
    {"apply_policies", "apply_policy_id", "alias", "expires", "jwt_data", "allowance", "hmac_string", "quota_renews"}
)
_POLICY: Final = frozenset({"access_rights", "partitions", "key_expires_in", "quota_max", "rate"})


class Finding(NamedTuple):
    file: str
    is_problem: bool
    problem: Problem


class Checked(NamedTuple):
    """One document of a file."""

    file: str
    kind: Kind
    id: str  # "" for a key, and for what does not read
    listen_path: str  # of an API that is reached by one
    rights: tuple[str, ...]  # the APIs it names
    policies: tuple[str, ...]  # the policies it names


class Files:
    """Made for one run of the check."""

    def __init__(self, settings: Settings, kind: Kind | None) -> None:
        self._settings = settings
        self._kind = kind
        self.findings: list[Finding] = []
        self.checked: list[Checked] = []

    def read(self, path: Path) -> None:
        file, document = str(path), _document(path)
        if isinstance(document, Problem):
            self._problems(file, [document])
            return
        kind = self._kind or kind_of(document)
        if kind == "api":
            self._judge_api(file, document)
        elif kind == "policy":
            self._judge_policies(file, document)
        elif kind == "key":
            self._judge_key(file, document)
        else:
            text = "is neither an API definition, nor a policy, nor a key; say which with --kind"
            self._problems(file, [Problem("", "kind_unknown", text)])

    def compare(self) -> None:
        """After all were read."""
        for kind, noun in (("api", "API"), ("policy", "policy")):
            named = [one for one in self.checked if one.kind == kind and one.id]
            self._twice(((one.id, one) for one in named), "id_taken", "api_id" if kind == "api" else "id", noun)
        reached = ((one.listen_path, one) for one in self.checked if one.listen_path)
        self._twice(reached, "listen_path_taken", "proxy.listen_path", "listen path")
        for one in self.checked:
            self._unknown_names(one)

    # -- one file -----------------------------------------------------------------------------------------------------

    def _judge_api(self, file: str, document: Any) -> None:
        if not isinstance(document, Mapping):
            self._problems(file, [Problem("", "not_an_object", "an API definition is a JSON object; write { … }")])
            return
        if not unwrap(document).get("api_id"):
            text = "is missing; a file has to name what it owns, and the Gateway API would make one up"
            self._warnings(file, [Problem("api_id", "api_id_missing", text)])
        judged = judge_api(document, {}, frozenset(), self._settings)
        if not isinstance(judged, JudgedApi):
            self._problems(file, judged)
            return
        self._problems(file, [one for one in judged.warnings if one.code == GUARD_CODE])
        self._warnings(file, [one for one in judged.warnings if one.code != GUARD_CODE])
        definition = judged.definition
        listen_path = "" if definition.internal else definition.listen_path
        self.checked.append(Checked(file, "api", definition.api_id, listen_path, (), _policies_of(definition)))

    def _judge_policies(self, file: str, document: Any) -> None:
        for one in policies_in(document):
            judged = judge_policy(one, "", self._settings)
            if isinstance(judged, JudgedPolicy):
                self._warnings(file, judged.warnings)
                policy = judged.policy
                self.checked.append(Checked(file, "policy", policy.id, "", tuple(policy.access_rights), ()))
            else:
                self._problems(file, judged)

    def _judge_key(self, file: str, document: Any) -> None:
        session, problems, warnings = parse_session(document, now=SystemClock.wall())
        refused = refused_when_strict(warnings, self._settings)
        self._problems(file, [*problems, *refused])
        self._warnings(file, [one for one in warnings if one not in refused])
        if session is not None:
            rights, policies = tuple(session.access_rights), tuple(session.policy_ids)
            self.checked.append(Checked(file, "key", "", "", rights, policies))

    # -- across files -------------------------------------------------------------------------------------------------

    def _twice(self, named: Iterable[tuple[str, Checked]], code: str, path: str, noun: str) -> None:
        first: dict[str, Checked] = {}
        for name, one in named:
            if (other := first.setdefault(name, one)) is not one:
                text = f'is "{name}", which is the {noun} of {other.file} too; change one of them'
                self._problems(one.file, [Problem(path, code, text)])

    def _unknown_names(self, one: Checked) -> None:
        """A warning, and only if files of that kind were given: the others may be in the gateway."""
        apis = {other.id for other in self.checked if other.kind == "api"}
        policies = {other.id for other in self.checked if other.kind == "policy"}
        text = "is in none of these files; it has to be in the gateway"
        for api_id in one.rights if apis else ():
            if api_id not in apis:
                self._warnings(one.file, [Problem(f"access_rights.{api_id}", "api_unknown", text)])
        for policy_id in one.policies if policies else ():
            if policy_id not in policies:
                self._warnings(one.file, [Problem("", "policy_unknown", f'the policy "{policy_id}" {text}')])

    def _problems(self, file: str, problems: Iterable[Problem]) -> None:
        self.findings += (Finding(file, True, one) for one in problems)

    def _warnings(self, file: str, warnings: Iterable[Problem]) -> None:
        self.findings += (Finding(file, False, one) for one in warnings)


def paths_of(given: Iterable[Path]) -> Iterator[Path]:
    """A folder stands for its .json files."""
    for path in given:
        yield from sorted(path.glob("*.json")) if path.is_dir() else [path]


def _document(path: Path) -> Any:
    """Or the Problem with it."""
    try:
        return read_json(path.read_bytes())
    except OSError as trouble:
        return Problem("", "file_unreadable", f"cannot be read: {trouble.strerror}")
    except MalformedJson as trouble:
        return Problem("", "json_malformed", str(trouble))


def _policies_of(definition: ApiDefinition) -> tuple[str, ...]:
    issuers = definition.jwt.issuers if definition.jwt is not None else ()
    mapped = (policy_id for one in issuers for some in one.scope_to_policy.values() for policy_id in some)
    named = [*(policy_id for one in issuers for policy_id in one.default_policies), *mapped]
    return tuple(dict.fromkeys(named))


def kind_of(document: object) -> Kind | None:
    if isinstance(document, list):
        return "policy" if document and all(kind_of(one) == "policy" for one in document) else None
    if not isinstance(document, Mapping):
        return None
    members = set(unwrap(document))
    if unwrap(document) is not document or members & _API:
        return "api"
    if members & _KEY:
        return "key"
    if members & _POLICY:
        return "policy"
    inner = list(document.values())  # Tyk's map of policies by id
    return "policy" if inner and all(kind_of(one) == "policy" for one in inner) else None
