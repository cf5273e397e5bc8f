"""One operation of a described API: what a program has to know to call it. Knows no route and no shape by name."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

Schema = dict[str, Any]
JSON: Final = "application/json"
ERROR: Final[Schema] = {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
NO_OTHERS: Final[Mapping[str, Schema]] = {}
_WHOLE_NUMBERS: Final = frozenset({"p", "page_size", "after"})
_IF_MATCH: Final = {"name": "If-Match", "in": "header", "schema": {"type": "string"}}
_NAME: Final = re.compile("{(.*?)}")


class Operation(NamedTuple):
    method: str
    path: str
    summary: str
    needs: str  # in words: which right, or what else
    tag: str
    security: list[dict[str, list[str]]]
    answer: Schema
    body: Schema | None = None
    is_body_needed: bool = True
    query: tuple[str, ...] = ()
    matches: bool = False  # whether If-Match is looked at
    errors: Mapping[str, str] = {}  # why, by status
    other_forms: Mapping[str, Schema] = NO_OTHERS  # of the answer, by media type

    def described(self) -> Schema:
        """An Operation Object (OpenAPI 3.1, §4.8.10)."""
        forms = {JSON: self.answer, **self.other_forms}
        content = {form: {"schema": schema} for form, schema in forms.items()}
        answers: Schema = {"200": {"description": "done", "content": content}}
        answers |= {status: {"description": why, "content": ERROR} for status, why in self.errors.items()}
        return {
            "operationId": self._id(),
            "summary": self.summary,
            "description": self.needs,
            "tags": [self.tag],
            "security": self.security,
            "parameters": self._parameters(),
            "responses": {**answers, "default": {"description": "any other refusal", "content": ERROR}},
            **({} if self.body is None else {"requestBody": self._request_body()}),
        }

    def _id(self) -> str:
        return f"{self.method.lower()}{re.sub('[^a-z]+', '_', self.path.removeprefix('/api'))}".rstrip("_")

    def _request_body(self) -> Schema:
        return {"required": self.is_body_needed, "content": {JSON: {"schema": self.body}}}

    def _parameters(self) -> list[Schema]:
        text = {"type": "string"}
        in_path = [{"name": one, "in": "path", "required": True, "schema": text} for one in _NAME.findall(self.path)]
        in_query = [
            {"name": one, "in": "query", "schema": {"type": "integer"} if one in _WHOLE_NUMBERS else text}
            for one in self.query
        ]
        return [*in_path, *in_query, *([_IF_MATCH] if self.matches else [])]
