"""Exchange: one request, its reply and what was learnt on the way. Data only; each field has exactly one writer."""

from dataclasses import dataclass
from math import inf
from typing import Any, Final, NamedTuple

from propylon.errors import Denial
from propylon.http.first_bytes import FirstBytes
from propylon.http.messages import Field, RequestHead
from propylon.model.charge import Charge, ChargePlan, Verdict
from propylon.model.effective import EffectiveSession


class ApiFacts(NamedTuple):
    """What usage tells of the API that served an exchange; the same for all of them until its definition changes."""

    org_id: str
    version: str  # the name of the version served
    tags: tuple[str, ...]


NO_API: Final = ApiFacts("", "", ())
UNTRACKED: Final = ApiFacts("", "", ())  # its definition says `do_not_track`: usage holds nothing of it


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls. One per caller, whatever door: meters, usage, logs and explain all name it so."""

    record: str  # "k17" for the key with record id 17, "s<hash>" for a subject of tokens
    kind: str  # "token" | "jwt_key" | "subject"
    org_id: str
    key_hash: str  # how it is stored and logged; for subjects the hash of (organisation, issuer, subject)
    name: str  # alias, else subject, else ""


class Caller:
    """An identity with the session it acts under. Cached, shared by exchanges, and made anew when either changes."""

    __slots__ = ("charges", "identity", "meter_prefix", "names", "session")

    def __init__(
        self, identity: Identity, session: EffectiveSession, names: tuple[str, ...], meter_prefix: bytes
    ) -> None:
        self.identity = identity
        self.session = session
        self.names = names  # of the records this rests on, as in the change log
        self.meter_prefix = meter_prefix  # record and generation: what this caller's meters are named by
        self.charges: dict[str, tuple[object, ChargePlan]] = {}  # by API id and endpoint: maker, plan; by steps/admit


class Recording:
    """What is kept of a forwarded exchange that is recorded whole, as it passes. Nothing in it is masked yet."""

    __slots__ = ("answer_body", "answer_head", "request_body")

    def __init__(self, body_max_bytes: int) -> None:
        self.request_body = FirstBytes(body_max_bytes)  # by forward and relay
        self.answer_head = b""  # as it was sent, b"" = none was; by relay and tunnel
        self.answer_body = FirstBytes(body_max_bytes)  # by relay


class Exchange:
    """Made by `gateway/downstream`, lives until its usage line is folded."""

    __slots__ = (
        "answer_lines",
        "answered_at",
        "api_facts",
        "api_id",
        "asked_at",
        "body_in",
        "body_out",
        "caller",
        "charged",
        "claims",
        "client_ip",
        "credential",
        "decided_at",
        "denial",
        "endpoint",
        "failure",
        "fields_instead",
        "first_use",
        "head_seen",
        "head",
        "own_reply",
        "peer_ip",
        "peer_trusted",
        "query_edit",
        "rate_lines",
        "recording",
        "replied_at",
        "rested_on",
        "retires_at",
        "route_path",
        "started",
        "status",
        "strip_header_names",
        "trace",
        "upstream_status",
        "verified_until",
    )

    head: RequestHead
    client_ip: str  # http/client_address, trusted proxies considered
    peer_ip: str  # of the socket, by downstream
    peer_trusted: bool  # whether that peer is a trusted proxy; by client_address
    started: float  # monotonic seconds, by downstream
    api_id: str  # by snapshot/decision, "" when none matched
    api_facts: ApiFacts  # of that API; by the same, and by steps/track_endpoint where usage leaves an endpoint out
    route_path: str  # path with the listen path stripped, always with a leading slash; by snapshot/decision
    caller: Caller | None  # by the authenticating step; None on keyless APIs
    charged: tuple[Charge, Verdict] | None  # what the meters have counted for this exchange; by steps/admit
    claims: dict[str, Any] | None  # of a verified JWT, by steps/jwt
    credential: tuple[str, int] | None  # record and generation of what the caller proved itself with; by the same step
    retires_at: float  # Unix time that generation ends, inf = no end; by the same step
    answer_lines: bytes  # field lines for a proxied answer that say so; by the same step
    first_use: bytes  # name of the `jti` this exchange has used up, b"" = none; by steps/first_use
    verified_until: float  # Unix time a JWT ends, inf = no end; by steps/jwt
    rested_on: tuple[str, ...]  # names (as in the change log) of the records the decision rested on
    decided_at: int  # revision the decision began at, by snapshot/decision
    head_seen: int  # head as the last admit answered it, -1 when nothing was charged; by steps/admit
    rate_lines: bytes  # field lines for a proxied answer, by steps/admit
    strip_header_names: frozenset[bytes]  # request fields dropped; by strip_credential, upstream_headers, trace_start
    fields_instead: tuple[Field, ...]  # request fields written in the place of stripped ones; by the same three
    query_edit: str | None  # the query to send instead, None = unchanged; by steps/strip_credential
    endpoint: str  # template of the endpoint for usage, "" = none; by steps/track_endpoint, else by steps/admit
    denial: Denial | None  # by snapshot/decision
    failure: str  # code of a Failure, by handle
    trace: str  # sent with a refusal or failure, by gateway/replies; "" = none
    own_reply: bytes  # that answer of ours, with its body; by the same, b"" = none
    recording: Recording | None  # by forward, None = not recorded
    status: int  # sent to the client, by handle; 0 = nothing
    upstream_status: int  # by forward, 0 = never reached
    asked_at: float  # monotonic seconds its upstream was asked, 0.0 = never; by forward
    answered_at: float  # the head of the answer came, or what was in its place; by forward
    replied_at: float  # the head of an answer that streams left, 0.0 = with all of it; by relay and tunnel
    body_in: int  # bytes taken from the client's body, by forward
    body_out: int  # bytes of body sent to the client, by the relay

    def __init__(self, head: RequestHead, client_ip: str, peer_ip: str, started: float, *, peer_trusted: bool) -> None:
        self.head = head
        self.client_ip = client_ip
        self.peer_ip = peer_ip
        self.peer_trusted = peer_trusted
        self.started = started
        self.api_id = ""
        self.api_facts = NO_API
        self.route_path = ""
        self.failure = ""
        self.trace = ""
        self.own_reply = b""
        self.recording = None
        self.status = 0
        self.upstream_status = 0
        self.asked_at = 0.0
        self.answered_at = 0.0
        self.replied_at = 0.0
        self.charged = None
        self.first_use = b""
        self.body_in = 0
        self.body_out = 0
        self.forget_decision()

    def forget_decision(self) -> None:
        """Back to what is known before the first step: the decision is made again from here."""
        self.denial = None
        self.caller = None
        self.claims = None
        self.credential = None
        self.retires_at = inf
        self.answer_lines = b""
        self.verified_until = inf
        self.rested_on = ()
        self.decided_at = -1
        self.head_seen = -1
        self.rate_lines = b""
        self.strip_header_names = frozenset()
        self.fields_instead = ()
        self.query_edit = None
        self.endpoint = ""
