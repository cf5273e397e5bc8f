"""A JWT API set up from nothing, in one transaction: definition, and the policy or the key its first token needs (P15).

Secrets are made here and told in this one answer; what is stored of them comes back in none.
"""

from base64 import b64encode
from secrets import token_hex, token_urlsafe
from typing import Any, Final, NamedTuple

from propylon.control.apis import judged_api
from propylon.control.call import Answer, Call
from propylon.control.definitions import JudgedPolicy, judge_policy
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, answer, listed, read_body
from propylon.control.key_judgement import judge_key, why_not_stored
from propylon.control.key_write import new_key
from propylon.control.sample_token import Sample, signed_sample
from propylon.errors import Problem
from propylon.model.limits import UNLIMITED
from propylon.stores.records.edit import Edit

MODES: Final = ("central", "per_key")
TOKEN_LIFE_S: Final = 3600  # of the sample token
SECRET_BYTES: Final = 32  # RFC 7518 §3.2, of HS256
RATE: Final = {"rate": 100, "per": 60, "quota_max": UNLIMITED}
SUBJECT: Final = "alice"


class Order(NamedTuple):
    mode: str
    name: str
    listen_path: str
    target_url: str


async def set_up(desk: Desk, call: Call) -> Answer:
    """Body: mode (central or per_key), name, listen_path, target_url. All is stored, or nothing. Raises Refused."""
    order = _order(read_body(call))
    api_id, secret = token_hex(16), token_urlsafe(SECRET_BYTES)
    async with desk.records.change(call.by) as edit:
        judged = await judged_api(desk, call, _definition(order, call, api_id, secret), None)
        await edit.put_api(judged.write(api_id))
        org_id = judged.definition.org_id
        make = _policy if order.mode == "central" else _key
        made = await make(desk, edit, order, org_id, api_id, secret)
    return answer({"mode": order.mode, "api_id": api_id, "listen_path": order.listen_path, "secret": secret, **made})


def _order(body: dict[str, Any]) -> Order:
    texts = {name: value.strip() if isinstance(value := body.get(name), str) else "" for name in Order._fields}
    problems = [Problem(name, "missing", "is needed") for name, text in texts.items() if not text]
    if texts["mode"] not in MODES:
        problems = [Problem("mode", "unknown_word", f"must be one of {', '.join(MODES)}"), *problems]
    if problems:
        raise Refused(400, "Request malformed", problems=listed(problems))
    return Order(**texts)


def _definition(order: Order, call: Call, api_id: str, secret: str) -> dict[str, Any]:
    central = {
        "jwt_source": b64encode(secret.encode()).decode(),
        "jwt_identity_base_field": "sub",
        "jwt_policy_field_name": "pol",
    }
    return {
        "name": order.name,
        "api_id": api_id,
        **({} if call.org_id is None else {"org_id": call.org_id}),
        "active": True,
        "enable_jwt": True,
        "jwt_signing_method": "hmac",
        **(central if order.mode == "central" else {"jwt_require_kid": True}),
        "version_data": {"not_versioned": True, "versions": {"Default": {"name": "Default"}}},
        "proxy": {"listen_path": order.listen_path, "target_url": order.target_url, "strip_listen_path": True},
    }


async def _policy(desk: Desk, edit: Edit, order: Order, org_id: str, api_id: str, secret: str) -> dict[str, Any]:
    policy_id = token_hex(12)
    document = {"id": policy_id, "name": f"{order.name}: may call", "org_id": org_id, **RATE, **_rights(order, api_id)}
    judged = judge_policy(document, org_id, desk.settings)
    assert isinstance(judged, JudgedPolicy), f"it is ours: {judged}"
    await edit.put_policy(judged.write())
    return {"policy_id": policy_id, **_token(desk, secret, {}, {"sub": SUBJECT, "pol": policy_id})}


async def _key(desk: Desk, edit: Edit, order: Order, org_id: str, api_id: str, secret: str) -> dict[str, Any]:
    key_id, alias = f"first-client-{token_hex(4)}", f"First client of {order.name}"
    jwt_data = {"secret": secret, "algorithm": "HS256"}
    document = {"org_id": org_id, "alias": alias, "expires": 0, "jwt_data": jwt_data, **RATE, **_rights(order, api_id)}
    judged = await judge_key(desk, document, org_id)
    assert why_not_stored(desk, judged) is None, "it has rights"
    row = await edit.put_key(new_key(desk, judged, key_id))
    token = _token(desk, secret, {"kid": key_id}, {"sub": SUBJECT})
    return {"key_id": key_id, "key_hash": row.key_hash, "alias": alias, **token}


def _rights(order: Order, api_id: str) -> dict[str, Any]:
    return {"access_rights": {api_id: {"api_id": api_id, "api_name": order.name, "versions": ["Default"]}}}


def _token(desk: Desk, secret: str, header: dict[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
    now = int(desk.clock.wall())
    claims = {**claims, "iat": now, "exp": now + TOKEN_LIFE_S}
    sample = Sample({"alg": "HS256", "typ": "JWT", **header}, claims)
    return {"token": signed_sample(sample, secret), **sample._asdict()}
