"""What meters are called. Whoever charges one and whoever shows or restores it must agree.

A caller's meters begin with its record and generation, so that a key made again under the same ID inherits nothing,
and a reset is another generation. A scope is "" for the caller as a whole, else an API's or a policy's id (P-27, P-28).
"""


def key_meters(record_id: int, generation: int) -> bytes:
    """What all meters of one key begin with."""
    return b"k%d.%d" % (record_id, generation)


def quota_meter(caller: bytes, scope: str) -> bytes:
    return b"%b/%b/q" % (caller, scope.encode())


def rate_meter(caller: bytes, scope: str, endpoint: str) -> bytes:
    """`endpoint` is "" for the rate of the API as a whole."""
    return b"%b/%b/r/%b" % (caller, scope.encode(), endpoint.encode())


def api_meter(org_id: str, api_id: str) -> bytes:
    """R-16: of all callers of an API together."""
    return b"a%b/%b" % (org_id.encode(), api_id.encode())


def guess_meter(org_id: str, address: str) -> bytes:
    """Of unknown key IDs while imported ones wait for theirs; `address` is "" for all of them together."""
    return b"u%b/%b" % (org_id.encode(), address.encode())
