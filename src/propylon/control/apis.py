"""/tyk/apis: API definitions, classic form (gateway-api.md §4). Live when answered.

A definition that does not compile replaces nothing: `definitions.judge_api` decides, the same judgement that workers
compile with.
"""

import json
import secrets
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from propylon.control.definitions import JudgedApi, judge_api
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, answer, done, listed, read_body
from propylon.model.api_definition import public_view
from propylon.stores.ports import DefinitionRow

NOT_FOUND: Final = "API not found"
OAS: Final = "oas"
