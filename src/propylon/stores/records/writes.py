"""What a writer hands to the records, and why it may be refused. Secrets are in plain here, never stored so."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from propylon.errors import Problem
from propylon.model.key_ring import Ring

API: Final = "api"  # origin of what was written through the Gateway API
FILE_PREFIX: Final = "file:"
EVERYTHING: Final = "*"


class Actor(NamedTuple):
    """Who makes a change, for the audit log."""

    kind: str  # "gateway_api", "admin_api", "user", "files", "cli" or "propylon"
    name: str = ""  # of a user their record, of Propylon the work that it does by itself
    address: str = ""  # the client's IP, "" without one
    label: str = ""  # what people call them, of a user their e-mail address: it outlives their record


class KeyWrite(NamedTuple):
    """A key as it shall be. What it replaces is found by its hash, which stands for organisation and key ID."""

    org_id: str
    key_hash: str
    session: str  # JSON without its secrets
    secrets: Mapping[str, str] = {}  # field path -> plain text; all of them, those that are kept too
    key_id: str = ""  # only if it is no credential: the ID of a key that verifies JWTs
    alias: str = ""
    kind: str = "token"
    api_ids: tuple[str, ...] = ()  # what the session refers to, for searching
    policy_ids: tuple[str, ...] = ()
    reset_meters: bool = False
    ring: Ring | None = None  # None: as it stands

    @property
    def uses(self) -> set[str]:
        """Under the names of the change log."""
        return {f"api:{id_}" for id_ in self.api_ids} | {f"policy:{self.org_id}/{id_}" for id_ in self.policy_ids}


class DefinitionWrite(NamedTuple):
    """An API definition or a policy as it shall be."""

    id: str
    org_id: str
    body: str  # JSON without its secrets
    secrets: Mapping[str, str] = {}  # field path -> plain text
    origin: str = API  # or "file:<path>"


class FileLoad(NamedTuple):
    """What a reload did, by the names of the change log. A file that is a Problem changed nothing."""

    written: list[str]
    removed: list[str]
    problems: list[Problem]  # path is that of the file


class OwnedByFile(Exception):
    """Only its file may change or remove this definition."""

    def __init__(self, path: str) -> None:
        super().__init__(f"owned by the file {path}; change it there and reload")
        self.path = path


class EtagMismatch(Exception):
    """Somebody else's write came first. `current` is the etag that stands, "" when the record is gone."""

    def __init__(self, current: str) -> None:
        super().__init__("changed meanwhile; read it again")
        self.current = current


class Unstorable(Exception):
    """What a request holds can be kept nowhere; the text says why and what to do."""
