"""The error model: Denial (returned), Failure (raised), Problem (listed). A bug is anything else and stays untouched.

Nothing here knows HTTP bytes, sockets or stores. `gateway/replies.py` is the sole map from these to a reply.
"""

from enum import StrEnum
from typing import ClassVar, NamedTuple


class Problem(NamedTuple):
    """Why a definition, key, policy or setting is not valid, or (as a warning) is not taken as written."""

    path: str  # dotted path of the field, "" for the whole
    code: str  # stable, snake_case
    message: str  # names the remedy


class Denial(NamedTuple):
    """A refusal by a step. `reason` is for us (log, usage, metrics); the client sees `status` and `message` only."""

    reason: str
    status: int
    message: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Origin(StrEnum):
    """Whose fault a Failure is; a metric label."""

    CLIENT = "client"
    UPSTREAM = "upstream"
    STORE = "store"
    GATEWAY = "gateway"


class Failure(Exception):
    """Something broke. A subclass exists only where status, retry or metric differ.

    `detail` is logged, never shown: the client sees `message` (Tyk's text where Tyk has one).
    """

    code: ClassVar[str] = "failure"
    status: ClassVar[int] = 500
    origin: ClassVar[Origin] = Origin.GATEWAY
    message: ClassVar[str] = "There was a problem proxying the request"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.code)
        self.detail = detail


class MalformedRequest(Failure):
    """The client's bytes are not one HTTP/1.1 request we are sure about (RFC 9112)."""

    code = "malformed_request"
    status = 400
    origin = Origin.CLIENT
    message = "Bad Request"


class TargetTooLong(MalformedRequest):
    code = "target_too_long"
    status = 414
    message = "URI Too Long"


class HeadTooLarge(MalformedRequest):
    code = "head_too_large"
    status = 431
    message = "Request Header Fields Too Large"


class MethodNotServed(MalformedRequest):
    """CONNECT, TRACE and methods that are not tokens of capital letters."""

    code = "method_not_served"
    status = 501
    message = "Method not allowed"


class VersionNotServed(MalformedRequest):
    code = "version_not_served"
    status = 505
    message = "HTTP Version Not Supported"


class CodingNotServed(MalformedRequest):
    """A transfer coding other than chunked."""

    code = "transfer_coding_not_served"
    status = 501
    message = "Not Implemented"


class RequestTimeout(Failure):
    code = "request_timeout"
    status = 408
    origin = Origin.CLIENT
    message = "Request Timeout"


class BodyTooLarge(Failure):
    code = "body_too_large"
    status = 413
    origin = Origin.CLIENT
    message = "Request Entity Too Large"


class ClientGone(Failure):
    """The client closed before its reply was complete: logged as 499, nothing can be sent."""

    code = "client_gone"
    status = 499
    origin = Origin.CLIENT
    message = "Client closed request"


class UpstreamFailure(Failure):
    """Whatever goes wrong between us and the upstream."""

    code = "upstream_failure"
    status = 502
    origin = Origin.UPSTREAM


class ConnectRefused(UpstreamFailure):
    code = "upstream_connect_refused"


class ConnectTimeout(UpstreamFailure):
    code = "upstream_connect_timeout"
    status = 504
    message = "Upstream service reached hard timeout."


class HostNotFound(UpstreamFailure):
    code = "upstream_host_not_found"
    message = "Upstream host lookup failed"


class UpstreamTLS(UpstreamFailure):
    code = "upstream_tls"


class UpstreamTimeout(UpstreamFailure):
    code = "upstream_timeout"
    status = 504
    message = "Upstream service reached hard timeout."


class UpstreamReset(UpstreamFailure):
    """The connection ended before the answer did."""

    code = "upstream_reset"


class MalformedResponse(UpstreamFailure):
    """The upstream's bytes are not one HTTP/1.1 response we are sure about."""

    code = "malformed_response"


class PoolExhausted(UpstreamFailure):
    code = "upstream_pool_exhausted"
    status = 503
    message = "Service temporarily unavailable."


class ControlUnavailable(Failure):
    """The control process is not there; traffic goes on."""

    code = "control_unavailable"
    status = 503
    message = "The control process is not available; try again"


class StoreUnavailable(Failure):
    """Records or meters could not answer; nobody is let in on a guess."""

    code = "store_unavailable"
    status = 503
    origin = Origin.STORE
    message = "Service temporarily unavailable."


class LookupsExhausted(StoreUnavailable):
    """More key look-ups under way than `lookups_in_flight`: only callers not in the cache see this."""

    code = "lookups_exhausted"


class MetersFull(StoreUnavailable):
    """No room for a new meter; identities that have one go on."""

    code = "meters_full"
