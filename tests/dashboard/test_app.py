"""What happens before and after every page: whose it is, whether the form is ours, the headers."""

import ipaddress

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from propylon.dashboard.app import Dashboard
from propylon.dashboard.own_files import open_own_files
from propylon.dashboard.routes import PAGES
from propylon.model.permissions import Permissions
from tests.control.conftest import GatewayApi
from tests.dashboard.conftest import NewVisitor
from tests.kit.fake_people import FakePeople, fake_user
from tests.kit.visitor import ORIGIN, Visitor, forms, text_of

GUARDED = [page for page in PAGES if page.area is not None]
ENDLESS = "/logs/tail"  # goes on as long as somebody follows
WHOLE = [page.path for page in PAGES if page.method == "GET" and "{" not in page.path and page.path != ENDLESS]


def filled(path: str) -> str:
    return path.replace("{key_hash}", "0" * 64).replace("{record}", "s0")


def test_who_has_not_signed_in_is_sent_to_the_sign_in_page(new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    for page in [one for one in GUARDED if one.method == "GET"]:
        answer = visitor.get(filled(page.path))
        assert (page.path, answer.status_code) == (page.path, 303)
        assert answer.headers["location"].startswith("/login")


def test_after_signing_in_the_page_that_was_asked_for_is_shown(new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    wanted = visitor.get("/settings?q=listen").headers["location"]
    answer = visitor.submit(visitor.get(wanted), "/login", email="ada@example.com", password="correct horse battery")
    assert answer.headers["location"] == "/settings?q=listen"


@pytest.mark.parametrize("elsewhere", ["https://example.com/", "//example.com/", "/\\example.com", "javascript:0", "x"])
def test_no_link_to_the_sign_in_page_leads_elsewhere(elsewhere: str, new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    page = visitor.send("GET", "/login", params={"next": elsewhere})
    assert forms(page)[0].fields["next"] == ""
    answer = visitor.submit(page, "/login", next=elsewhere, email="ada@example.com", password="correct horse battery")
    assert answer.headers["location"] == "/"


def test_a_page_is_refused_without_its_right_and_the_right_is_named(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(fake_user(permissions=Permissions()))
    visitor.sign_in()
    csrf = forms(visitor.get("/jwt-guide"))[0].fields["csrf"]
    for page in [one for one in GUARDED if one.area]:
        answer = visitor.send(page.method, filled(page.path), {"Origin": ORIGIN}, data={"csrf": csrf})
        assert (page.path, answer.status_code) == (page.path, 403)
        assert f"{page.level} {page.area.replace('_', ' ')}" in text_of(answer), page.path


def test_the_side_bar_leaves_out_what_somebody_may_not_read(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(fake_user(permissions=Permissions(levels={"keys": "read"})))
    visitor.sign_in()
    page = visitor.get("/keys").text
    assert 'href="/token-checker"' in page
    assert 'href="/nodes"' not in page


def test_every_form_of_every_page_carries_the_token(visitor: Visitor) -> None:
    pages = [visitor.get(path) for path in WHOLE]
    found = [form for page in pages for form in forms(page) if form.method == "post"]
    assert len(found) > 10
    assert all(form.fields.get("csrf") for form in found)


@pytest.mark.parametrize("csrf", ["", "0" * 64, "ä"])
def test_a_form_without_its_token_changes_nothing(csrf: str, visitor: Visitor) -> None:
    answer = visitor.send("POST", "/logout", {"Origin": ORIGIN}, data={"csrf": csrf})
    assert answer.status_code == 403
    assert visitor.get("/keys").status_code == 200


def test_the_token_of_another_session_is_refused(new_visitor: NewVisitor) -> None:
    visitor, stranger = new_visitor(), new_visitor()
    visitor.sign_in()
    stranger.sign_in()
    csrf = forms(stranger.get("/keys"))[0].fields["csrf"]
    assert visitor.send("POST", "/logout", data={"csrf": csrf}).status_code == 403


def test_htmx_sends_the_token_in_a_header(visitor: Visitor) -> None:
    csrf = forms(visitor.get("/keys"))[0].fields["csrf"]
    assert visitor.send("POST", "/logout", {"X-CSRF-Token": csrf}).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1:3001"},
        {"Origin": "https://example.com"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_a_form_from_another_site_is_refused_though_it_has_the_token(headers: dict[str, str], visitor: Visitor) -> None:
    assert visitor.submit(visitor.get("/logout"), "/logout", headers).status_code == 403


@pytest.mark.parametrize("host", ["evil.example:3000", "127.0.0.1.evil.example", "10.0.0.1:3000", "[", ""])
def test_a_loopback_dashboard_is_not_reached_by_a_foreign_name(host: str, visitor: Visitor) -> None:
    assert visitor.get("/login", Host=host).status_code == 421


@pytest.mark.parametrize("host", ["localhost:3000", "127.0.0.1", "[::1]:3000", "127.9.9.9:1"])
def test_a_loopback_dashboard_is_reached_by_its_own_names(host: str, new_visitor: NewVisitor) -> None:
    assert new_visitor().get("/login", Host=host).status_code == 200


def test_a_dashboard_on_another_address_takes_any_name(new_visitor: NewVisitor) -> None:
    assert new_visitor(dashboard_listen="0.0.0.0:3000").get("/login", Host="gateway.example").status_code == 200


def test_a_trusted_proxy_brings_its_own_name_and_https_marks_the_cookies(new_visitor: NewVisitor) -> None:
    proxied = {"Host": "gateway.example", "X_Forwarded_For": "192.0.2.7", "X_Forwarded_Proto": "https"}
    trusting = new_visitor(trusted_proxies=(ipaddress.ip_network("127.0.0.0/8"),))
    answer = trusting.get("/login", **proxied)
    assert answer.status_code == 200
    assert "Secure" in answer.headers["set-cookie"]
    assert new_visitor().get("/login", **proxied).status_code == 421


@pytest.mark.parametrize("path", ["/login", "/keys", "/nothing", "/static/dashboard.css", "/static/nothing"])
def test_every_answer_carries_the_headers_that_keep_a_page_ours(path: str, visitor: Visitor) -> None:
    headers = visitor.get(path).headers
    csp = headers["content-security-policy"]
    assert "default-src 'self'" in csp
    assert "unsafe" not in csp
    assert all(word in csp for word in ("frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"))
    assert headers["x-content-type-options"] == "nosniff"


def test_no_page_is_kept_and_our_own_files_are(visitor: Visitor) -> None:
    page = visitor.get("/keys")
    assert page.headers["cache-control"] == "no-store"
    style = next(part for part in page.text.split('"') if part.startswith("/static/dashboard.css"))
    assert "immutable" in visitor.get(style).headers["cache-control"]


def test_no_page_has_a_script_or_a_style_within_it(visitor: Visitor) -> None:
    for path in WHOLE:
        text = visitor.get(path).text
        assert "<style" not in text
        assert " style=" not in text
        assert " onclick=" not in text
        assert text.count("<script") == text.count('<script src="/static/')


def test_htmx_gets_the_page_without_its_frame(visitor: Visitor) -> None:
    whole, part = visitor.get("/keys"), visitor.get("/keys", HX_Request="true")
    assert "<html" in whole.text
    assert "<html" not in part.text
    assert "Find a key by anything" in part.text
    assert part.headers["vary"] == "HX-Request"


def test_htmx_is_told_to_go_to_the_sign_in_page(new_visitor: NewVisitor) -> None:
    answer = new_visitor().get("/", HX_Request="true")
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/login")


def test_a_page_that_is_not_there_and_a_wrong_method_are_said_in_the_frame(visitor: Visitor) -> None:
    assert visitor.get("/nothing").status_code == 404
    assert "There is no such page" in visitor.get("/nothing").text
    answer = visitor.send("PUT", "/token-checker")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"


def test_a_slash_at_the_end_makes_no_difference(visitor: Visitor) -> None:
    assert visitor.get("/keys/").status_code == 200


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"Content-Type": "application/json"}, b"{}", 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"a=" + b"x" * 1024**2, 413),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"&".join([b"a=1"] * 501), 400),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"\xff", 400),
    ],
    ids=["another kind", "too large", "too many fields", "no UTF-8"],
)
def test_what_is_no_form_of_ours_is_refused(
    headers: dict[str, str], content: bytes, status: int, visitor: Visitor
) -> None:
    assert visitor.send("POST", "/keys/find", headers, content=content).status_code == status


def test_the_rest_api_sees_the_client_behind_a_trusted_proxy_and_nobody_else_s_word(api: GatewayApi) -> None:
    seen: list[str] = []

    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["client"][0])
        await PlainTextResponse("")(scope, receive, send)

    for trusted in ((ipaddress.ip_network("127.0.0.0/8"),), ()):
        changed = {"dashboard_listen": "127.0.0.1:3000", "trusted_proxies": trusted}
        desk = api.desk._replace(settings=api.settings.model_copy(update=changed))
        visitor = Visitor(Dashboard(desk, FakePeople(), open_own_files(), {"/api": mounted}), api.loop)
        visitor.get("/api/users", X_Forwarded_For="198.51.100.1, 192.0.2.7")
        visitor.get("/api/users", X_Forwarded_For="192.0.2.7, no address")
        visitor.close()
    assert seen == ["192.0.2.7", "127.0.0.1", "127.0.0.1", "127.0.0.1"]
