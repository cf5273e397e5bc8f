"""`strip_auth_data`: the upstream never sees the credential, and sees everything else."""

import pytest

from tests.kit.client import get
from tests.kit.data_path import data_path
from tests.kit.definitions import session, token_api
from tests.kit.origin import Origin

EVERYWHERE = {"auth_header_name": "X-Key", "use_param": True, "param_name": "k", "use_cookie": True, "cookie_name": "c"}
KEYS = {"the-key": session("token")}


@pytest.mark.parametrize(
    ("target", "fields", "sent_target", "sent_cookie"),
    [
        ("/token/a", {"X-Key": "the-key"}, "/a", None),
        ("/token/a", {"X-Key": "the-key", "Cookie": "x=1; y=2"}, "/a", "x=1; y=2"),
        ("/token/a", {"Cookie": "x=1; c=the-key; y=2"}, "/a", "x=1; y=2"),
        ("/token/a", {"Cookie": "c=the-key"}, "/a", None),
        ("/token/a?z=1&k=the-key&y=%20", {}, "/a?z=1&y=%20", None),
        ("/token/a?%6B=the-key&z", {}, "/a?z", None),
    ],
)
def test_the_credential_is_stripped_and_all_else_stays(
    target: str, fields: dict[str, str], sent_target: str, sent_cookie: str | None
) -> None:
    with Origin() as origin:
        with data_path(token_api(origin.url, auth=EVERYWHERE, strip_auth_data=True), keys=KEYS) as path:
            get(path.url + target, fields)
        (sent,) = origin.requests
        assert sent.target == sent_target
        assert sent.value("cookie") == sent_cookie
        assert b"the-key" not in sent.raw


def test_the_credential_travels_on_where_it_is_not_to_be_stripped() -> None:
    with Origin() as origin, data_path(token_api(origin.url), keys=KEYS) as path:
        get(path.url + "/token/", {"Authorization": "Bearer the-key"})
        assert origin.requests[0].value("authorization") == "Bearer the-key"
