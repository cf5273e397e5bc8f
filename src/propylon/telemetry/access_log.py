"""The log of refusals and failures: one line of JSON each, on the logger `propylon.access`.

Which exchanges come here, and how many a second at most, is decided in `usage/folding.py`; the fields are those of the
request log. Nothing a client sends can end a line or reach a terminal as a control character.
"""

import json
import logging
from collections.abc import Mapping

log = logging.getLogger("propylon.access")


def write(entry: Mapping[str, object]) -> None:
    log.info("%s", line(entry))


def line(entry: Mapping[str, object]) -> str:
    """Printable ASCII: JSON escapes the rest, half surrogates and DEL too."""
    return json.dumps(entry, separators=(",", ":"))
