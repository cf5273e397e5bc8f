"""`propylon …` as a user runs it, in this process: arguments and environment in, exit code and both streams out."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from typer.testing import CliRunner

from propylon.cli.main import app

NO_ENVIRONMENT: Mapping[str, str] = {}
OURS = ("PROPYLON_URL", "PROPYLON_SECRET", "PROPYLON_SECRET_FILE")


class Ended(NamedTuple):
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def propylon(*arguments: str, env: Mapping[str, str] = NO_ENVIRONMENT, stdin: str = "") -> Ended:
    """A bug is raised, not made an exit code of."""
    environment = {**dict.fromkeys(OURS), "COLUMNS": "200", **env}
    ended = CliRunner().invoke(app, list(arguments), input=stdin, env=environment, prog_name="propylon")
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return Ended(ended.exit_code, ended.stdout, ended.stderr)


class Operator(NamedTuple):
    """Somebody who knows a gateway's address and secret."""

    url: str
    secret: str

    def __call__(self, *arguments: str, stdin: str = "") -> Ended:
        return propylon(*arguments, env={"PROPYLON_URL": self.url, "PROPYLON_SECRET": self.secret}, stdin=stdin)

    def done(self, *arguments: str, stdin: str = "") -> Ended:
        """For what has to succeed."""
        ended = self(*arguments, stdin=stdin)
        assert ended.code == 0, ended
        return ended
