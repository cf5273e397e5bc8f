"""The screens of APIs, over what the Gateway API stores."""

import json
from base64 import b64encode
from typing import Any

import pytest

from propylon.dashboard.pages.apis import PAGE
from propylon.model.permissions import AREAS, Level, Permissions
from tests.control.conftest import GatewayApi
from tests.dashboard.conftest import NewVisitor
from tests.kit.definitions import jwt_api, keyless_api, policy, session, token_api
from tests.kit.fake_people import fake_user
from tests.kit.page_forms import fields_of, send
from tests.kit.tokens import SECRET, hs256
from tests.kit.visitor import ORIGIN, Visitor, text_of

TARGET = "http://127.0.0.1:9/"
CANARY = "canary-secret-of-an-identity-provider-0001"


def add(api: GatewayApi, definition: dict[str, Any]) -> None:
    answer = api.call("POST", "/tyk/apis", definition)
    assert answer.status_code == 200, answer.text


def stored(api: GatewayApi, api_id: str) -> dict[str, Any]:
    answer = api.call("GET", f"/tyk/apis/{api_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def reader(new_visitor: NewVisitor, **levels: Level) -> Visitor:
    visitor = new_visitor(
        fake_user(permissions=Permissions(levels={area: level for area in AREAS if (level := levels.get(area))}))
    )
    visitor.sign_in()
    return visitor


@pytest.fixture
def _apis(api: GatewayApi) -> None:
    add(api, token_api(TARGET, "token", name="Payments"))
    add(api, jwt_api(TARGET, "jwt", name="Charges"))
    add(
        api,
        jwt_api(
            TARGET,
            "idp",
            name="Partners",
            jwt_jwks_uris=[{"url": "https://id.example.com/j"}],
            jwt_signing_method="rsa",
        ),
    )
    add(api, keyless_api(TARGET, "open", name="Status", active=False))
    add(api, token_api(TARGET, "guarded", name="Archive", allowed_ips=["10.0.0.0/8"]))


# -- the list --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_apis")
def test_the_list_says_of_each_api_where_it_is_for_whom_and_how_it_is(visitor: Visitor) -> None:
    shown = text_of(visitor.get("/apis"))
    assert "Payments /token Auth token http://127.0.0.1:9/ active" in shown
    assert "Charges /jwt JWT, key per client" in shown
    assert "Partners /idp JWT, identity provider" in shown
    assert "Status /open Keyless http://127.0.0.1:9/ inactive" in shown
    assert "answers 503 1 field not served" in shown


@pytest.mark.usefixtures("_apis")
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=PAY", ["Payments"]),
        ("q=/jwt", ["Charges"]),
        ("q=guarded", ["Archive"]),
        ("auth=per_key", ["Charges"]),
        ("auth=keyless", ["Status"]),
        ("state=inactive", ["Status"]),
        ("state=active&auth=token", ["Archive", "Payments"]),
        ("auth=token&sort=listen_path", ["Archive", "Payments"]),
        ("q=nothing", []),
    ],
)
def test_the_list_is_narrowed_by_what_is_known_of_an_api(query: str, names: list[str], visitor: Visitor) -> None:
    page = visitor.get(f"/apis?{query}").text
    found = [name for name in ("Archive", "Charges", "Partners", "Payments", "Status") if f">{name}</a>" in page]
    assert found == names
    assert ("No API is like that" in page) == (not names)


def test_pages_of_the_list_hold_each_api_once_and_keep_what_was_asked(api: GatewayApi, visitor: Visitor) -> None:
    for number in range(PAGE + 5):
        add(api, token_api(TARGET, f"api-{number:02}", name=f"Orders {number:02}"))
    add(api, token_api(TARGET, "other", name="Other"))
    first = visitor.get("/apis?q=orders")
    second = visitor.get("/apis?q=orders&page=2")
    assert 'href="/apis?q=orders&amp;page=2" rel="next"' in first.text
    assert 'href="/apis?q=orders&amp;page=1"' in second.text
    seen = [sum(f">Orders {number:02}<" in page.text for page in (first, second)) for number in range(PAGE + 5)]
    assert seen == [1] * (PAGE + 5)
    assert f"{PAGE + 5} of {PAGE + 6} APIs" in text_of(second)


@pytest.mark.parametrize("query", ["page=0", "page=x", "page=99999999999", "auth=x", "state=x", "sort=x"])
def test_what_the_list_does_not_know_is_refused_with_what_it_does(query: str, visitor: Visitor) -> None:
    answer = visitor.get(f"/apis?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.text


def test_an_empty_gateway_says_what_to_do(visitor: Visitor) -> None:
    page = visitor.get("/apis")
    assert "There are no APIs yet" in page.text
    assert 'href="/new/api"' in page.text


# -- the form --------------------------------------------------------------------------------------------------------


def test_an_api_is_made_with_a_form_and_served_as_it_says(api: GatewayApi, visitor: Visitor) -> None:
    changes = {
        "name": "Orders",
        "api_id": "orders",
        "listen_path": "/orders/",
        "target_url": TARGET,
        "rate": "5",
        "per": "1",
    }
    answer = send(visitor, visitor.get("/new/api"), "/new/api", changes)
    assert answer.headers["location"].startswith("/apis/orders?done=api_created")
    made = stored(api, "orders")
    assert made["proxy"] == {"listen_path": "/orders/", "target_url": TARGET, "strip_listen_path": True}
    assert made["global_rate_limit"] == {"rate": 5, "per": 1, "disabled": False}
    assert made["use_standard_auth"] is True
    shown = text_of(visitor.get(answer.headers["location"]))
    assert "The API is made" in shown
    assert "Access comes from: the caller's key" in shown.replace("&#39;", "'")


@pytest.mark.usefixtures("_apis")
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"listen_path": ""}, "listen_path"),
        ({"listen_path": "/token/"}, "listen_path"),
        ({"target_url": "ftp://x"}, "target_url"),
        ({"api_id": "a/b"}, ""),
        ({"rate": "many"}, "rate"),
        ({"auth": "jwt", "jwt_mode": "central", "source_kind": "urls"}, "key_set_urls"),
        (
            {"auth": "jwt", "jwt_mode": "central", "source_kind": "urls", "key_set_urls": "http://10.0.0.1/j"},
            "key_set_urls",
        ),
        (
            {
                "auth": "jwt",
                "jwt_mode": "central",
                "source_kind": "public_key",
                "public_key": "x",
                "signing_method": "rsa",
            },
            "public_key",
        ),
    ],
    ids=str,
)
def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
    changes: dict[str, str], field: str, visitor: Visitor
) -> None:
    typed = {"name": "Kept name", "listen_path": "/new/", "target_url": TARGET, **changes}
    answer = send(visitor, visitor.get("/new/api"), "/new/api", typed)
    assert answer.status_code == 422
    assert fields_of(answer, "/new/api")["name"] == "Kept name"
    if field:
        assert f'<p id="{field}-said" class="error">' in answer.text
    else:
        assert "Invalid API ID" in answer.text


@pytest.mark.usefixtures("_apis")
def test_an_api_is_changed_and_what_the_form_does_not_show_stays(api: GatewayApi, visitor: Visitor) -> None:
    before = stored(api, "guarded")
    answer = send(visitor, visitor.get("/apis/guarded"), "/apis/guarded", {"listen_path": "/archive/"})
    assert answer.headers["location"].startswith("/apis/guarded?done=api_saved")
    assert stored(api, "guarded") == {**before, "proxy": {**before["proxy"], "listen_path": "/archive/"}}


@pytest.mark.usefixtures("_apis")
def test_a_form_that_is_sent_as_it_stands_makes_no_revision(api: GatewayApi, visitor: Visitor) -> None:
    revision = api.revision()
    for api_id in ("token", "jwt", "idp", "open", "guarded"):
        assert send(visitor, visitor.get(f"/apis/{api_id}"), f"/apis/{api_id}").status_code == 303
    assert api.revision() == revision


def test_a_secret_is_taken_and_never_shown(api: GatewayApi, visitor: Visitor) -> None:
    changes = {
        **{"name": "Orders", "api_id": "orders", "listen_path": "/orders/", "target_url": TARGET, "auth": "jwt"},
        **{"jwt_mode": "central", "source_kind": "secret", "secret": CANARY, "policy_claim": "pol"},
    }
    assert send(visitor, visitor.get("/new/api"), "/new/api", changes).status_code == 303
    pages = [visitor.get(f"/apis/orders{tab}").text for tab in ("", "/json", "/fields", "/access", "/try", "/delete")]
    assert all(CANARY not in page for page in pages)
    assert "sha256:" in pages[0]
    assert send(visitor, visitor.get("/apis/orders"), "/apis/orders", {"name": "Renamed"}).status_code == 303
    assert stored(api, "orders")["jwt_source_fingerprint"] in pages[0], "an empty field keeps the secret"


@pytest.mark.usefixtures("_apis")
def test_a_central_source_is_asked_about_with_the_number_of_keys_it_puts_out_of_use(
    api: GatewayApi, visitor: Visitor
) -> None:
    """P7: those with rights of their own, and those through a policy."""
    api.call("POST", "/tyk/policies", policy("gold", "jwt"))
    api.call("POST", "/tyk/keys/one", session("jwt", jwt_data={"secret": SECRET}))
    api.call("POST", "/tyk/keys/two", session(apply_policies=["gold"], jwt_data={"secret": SECRET}))
    api.call("POST", "/tyk/keys/three", session("jwt"))
    before = stored(api, "jwt")
    changes = {"jwt_mode": "central", "source_kind": "secret", "secret": CANARY}
    asked = send(visitor, visitor.get("/apis/jwt"), "/apis/jwt", changes)
    assert asked.status_code == 200
    assert "2 JWT signing keys grant this API. With a central source their secrets will be ignored." in text_of(asked)
    assert "jwt_source – a new secret" in text_of(asked)
    assert stored(api, "jwt") == before, "nothing is written before it is confirmed"
    saved = send(visitor, asked, "/apis/jwt", {"do": "save"})
    assert saved.headers["location"].startswith("/apis/jwt?done=api_saved&said=signing_keys_ignored")
    assert stored(api, "jwt")["jwt_mode"] == "central"
    assert "are not looked at any more" in text_of(visitor.get(saved.headers["location"]))


@pytest.mark.usefixtures("_apis")
def test_who_goes_back_from_the_question_finds_the_form_as_it_was(api: GatewayApi, visitor: Visitor) -> None:
    asked = send(visitor, visitor.get("/apis/token"), "/apis/token", {"name": "Typed", "auth": "keyless"})
    assert "It will be open" in text_of(asked)
    back = send(visitor, asked, "/apis/token", {"do": "back"})
    assert fields_of(back, "/apis/token").items() >= {"name": "Typed", "auth": "keyless"}.items()
    assert stored(api, "token")["name"] == "Payments"


@pytest.mark.usefixtures("_apis")
def test_taking_an_api_from_its_callers_is_asked_about(api: GatewayApi, visitor: Visitor) -> None:
    asked = send(visitor, visitor.get("/apis/token"), "/apis/token", {"active": None})
    assert "will find no API" in text_of(asked)
    assert stored(api, "token")["active"] is True


@pytest.mark.usefixtures("_apis")
def test_who_comes_late_is_shown_what_they_would_undo_and_keeps_what_they_typed(
    api: GatewayApi, visitor: Visitor
) -> None:
    page = visitor.get("/apis/token")
    api.call("PUT", "/tyk/apis/token", {**stored(api, "token"), "name": "Theirs"})
    late = send(visitor, page, "/apis/token", {"target_url": "http://mine.example/"})
    assert late.status_code == 412
    shown = text_of(late)
    assert "somebody changed the API" in shown
    assert "name Theirs Payments" in shown
    assert fields_of(late, "/apis/token")["target_url"] == "http://mine.example/"
    assert stored(api, "token")["name"] == "Theirs"
    assert send(visitor, late, "/apis/token", {"name": "Theirs"}).status_code == 303
    assert stored(api, "token")["proxy"]["target_url"] == "http://mine.example/"


# -- JSON ------------------------------------------------------------------------------------------------------------


def edit(visitor: Visitor, path: str, text: str, **fields: str) -> Any:
    return send(visitor, visitor.get(path), path, {"text": text, **fields})


@pytest.mark.usefixtures("_apis")
def test_json_is_saved_and_what_reads_add_to_it_does_no_harm(api: GatewayApi, visitor: Visitor) -> None:
    text = str(fields_of(visitor.get("/apis/jwt/json"), "/apis/jwt/json")["text"])
    assert json.loads(text)["jwt_mode"] == "per_key"
    answer = edit(visitor, "/apis/jwt/json", text.replace('"Charges"', '"Refunds"'))
    assert answer.headers["location"].startswith("/apis/jwt/json?done=api_saved")
    assert stored(api, "jwt")["name"] == "Refunds"


@pytest.mark.usefixtures("_apis")
@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ('{\n  "name": "x",\n  oops\n}', 3, "is not JSON"),
        ('{"api_id": "jwt",\n"api_id": "jwt"}', 1, "twice"),
        ("[]", 1, "must be a JSON object"),
        (
            '{\n"api_id": "jwt",\n"enable_jwt": true,\n"jwt_signing_method": "RSA",\n"proxy": {\n"listen_path": 5}}',
            6,
            "/proxy/listen_path",
        ),
        (
            '{\n"api_definition": {\n"api_id": "jwt",\n"proxy": {"target_url": TARGET,\n"listen_path": ""}}}',
            5,
            "/api_definition/proxy/listen_path",
        ),
    ],
    ids=["no JSON", "a name twice", "no object", "a field", "a field in an envelope"],
)
def test_a_problem_stands_at_its_line_and_the_text_stays(
    text: str, line: int, told: str, api: GatewayApi, visitor: Visitor
) -> None:
    text = text.replace("TARGET", f'"{TARGET}"')
    before = stored(api, "jwt")
    answer = edit(visitor, "/apis/jwt/json", text)
    assert answer.status_code == 422
    assert f"Line {line}" in answer.text
    assert told in answer.text
    assert fields_of(answer, "/apis/jwt/json")["text"] == text
    assert stored(api, "jwt") == before


def test_a_stored_secret_is_kept_by_json_and_removed_when_it_is_ticked(api: GatewayApi, visitor: Visitor) -> None:
    add(api, jwt_api(TARGET, jwt_source=b64encode(CANARY.encode()).decode(), name="Central"))
    page = visitor.get("/apis/jwt/json")
    text = str(fields_of(page, "/apis/jwt/json")["text"])
    kept = edit(visitor, "/apis/jwt/json", text.replace('"Central"', '"Renamed"'))
    assert "jwt_source was kept as it is" in text_of(visitor.get(kept.headers["location"]))
    removed = edit(visitor, "/apis/jwt/json", text, clear="jwt_source")
    assert removed.status_code == 303
    assert "jwt_source_fingerprint" not in stored(api, "jwt")


def test_a_definition_of_tyks_is_pasted_to_make_an_api(api: GatewayApi, visitor: Visitor) -> None:
    wrapped = json.dumps({"api_definition": token_api(TARGET, "pasted"), "is_site": False})
    answer = edit(visitor, "/new/api/json", wrapped)
    assert answer.headers["location"].startswith("/apis/pasted?done=api_created")
    assert stored(api, "pasted")["name"] == "pasted"


# -- fields ----------------------------------------------------------------------------------------------------------


def test_the_report_has_every_field_in_its_class_with_what_that_means(api: GatewayApi, visitor: Visitor) -> None:
    add(
        api,
        token_api(
            TARGET,
            "a",
            CORS={"enable": True, "max_age": 5},
            hmac_allowed_clock_skew=-1,
            surprise="x",
            allowed_ips=["10.0.0.0/8"],
            use_mutual_tls_auth=True,
        ),
    )
    shown = text_of(visitor.get("/apis/a/fields"))
    guard, less, unknown, dormant, honoured = (
        shown.index(f"{name} (") for name in ("Guard", "Less", "Unknown", "Dormant", "Honoured")
    )
    assert guard < shown.index("allowed_ips") < less < shown.index("CORS.enable") < unknown
    assert unknown < shown.index("surprise") < dormant < shown.index("hmac_allowed_clock_skew") < honoured
    assert honoured < shown.index("proxy.target_url")
    assert guard < shown.index("use_mutual_tls_auth client certificates remove the field") < less


def test_a_guard_is_served_without_after_it_was_asked_and_guards_again(api: GatewayApi, visitor: Visitor) -> None:
    add(api, token_api(TARGET, "a", allowed_ips=["10.0.0.0/8"]))
    page = visitor.get("/apis/a/opt-out?field=allowed_ips")
    assert "served wider than its definition says" in text_of(page)
    answer = send(visitor, page, "/apis/a/opt-out", {"do": "serve"})
    assert answer.headers["location"].startswith("/apis/a/fields?done=opted_out")
    assert stored(api, "a")["guard_opt_outs"] == ["allowed_ips"]
    assert "served without" in text_of(visitor.get("/apis/a/fields"))
    assert "answers 503" not in text_of(visitor.get("/apis"))
    again = send(visitor, visitor.get("/apis/a/opt-out?field=allowed_ips"), "/apis/a/opt-out", {"do": "guard"})
    assert again.headers["location"].startswith("/apis/a/fields?done=opted_in")
    assert stored(api, "a")["guard_opt_outs"] == []


@pytest.mark.parametrize("field", ["", "name", "use_mutual_tls_auth", "nothing"])
def test_what_is_no_open_guard_cannot_be_left_out(field: str, api: GatewayApi, visitor: Visitor) -> None:
    add(api, token_api(TARGET, "a", use_mutual_tls_auth=True))
    assert visitor.get(f"/apis/a/opt-out?field={field}").status_code == 404


# -- access, tokens, the end -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_apis")
def test_access_names_the_policies_and_keys_that_open_it(
    api: GatewayApi, visitor: Visitor, new_visitor: NewVisitor
) -> None:
    api.call("POST", "/tyk/policies", policy("gold", "jwt", name="Gold partners"))
    api.call("POST", "/tyk/keys/acme", session("jwt", alias="Acme", jwt_data={"secret": SECRET}))
    api.call("POST", "/tyk/keys/other", session("token", alias="Other"))
    api.call("POST", "/tyk/keys/through", session(alias="Through", apply_policies=["gold"]))
    page = visitor.get("/apis/jwt/access")
    shown = text_of(page)
    assert "Tokens need no policy claim" in shown
    assert 'href="/policies/gold">Gold partners' in page.text
    assert "Keys with rights of their own 1" in shown
    assert "Keys through policies 1" in shown
    assert ">Acme</a>" in page.text
    assert "Other" not in shown
    assert ">Acme</a>" not in reader(new_visitor, apis="read").get("/apis/jwt/access").text


@pytest.mark.usefixtures("_apis")
def test_a_token_is_tried_on_the_api_and_never_shown(api: GatewayApi, visitor: Visitor) -> None:
    api.call("POST", "/tyk/keys/acme", session("jwt", alias="Acme", jwt_data={"secret": SECRET}))
    good, bad = (hs256({"sub": "x", "exp": 2_000_000_000}, kid=kid) for kid in ("acme", "acm"))
    page = visitor.get("/apis/jwt/try")
    passed, refused = (send(visitor, page, "/apis/jwt/try", {"token": token}) for token in (good, bad))
    assert "It would be let in" in passed.text
    assert "Acme" in passed.text
    assert good not in passed.text
    assert "<code>jwt_unknown_kid</code>" in refused.text
    empty = send(visitor, page, "/apis/jwt/try", {"token": ""})
    assert empty.status_code == 422
    assert '<p id="token-said" class="error">' in empty.text


@pytest.mark.usefixtures("_apis")
def test_deleting_asks_and_names_what_rests_on_it(api: GatewayApi, visitor: Visitor) -> None:
    api.call("POST", "/tyk/policies", policy("gold", "jwt", name="Gold partners"))
    api.call("POST", "/tyk/keys/acme", session("jwt", jwt_data={"secret": SECRET}))
    page = visitor.get("/apis/jwt/delete")
    shown = text_of(page)
    assert "1 key with rights of their own" in shown
    assert "1 policy (Gold partners)" in shown
    assert stored(api, "jwt")["name"] == "Charges", "a GET deletes nothing"
    assert send(visitor, page, "/apis/jwt/delete").headers["location"] == "/apis?done=api_deleted"
    assert api.call("GET", "/tyk/apis/jwt").status_code == 404
    assert visitor.get("/apis/jwt").status_code == 404


@pytest.mark.usefixtures("_apis")
def test_what_changed_since_it_was_asked_about_is_not_deleted(api: GatewayApi, visitor: Visitor) -> None:
    page = visitor.get("/apis/token/delete")
    api.call("PUT", "/tyk/apis/token", {**stored(api, "token"), "name": "Theirs"})
    assert send(visitor, page, "/apis/token/delete").status_code == 412
    assert stored(api, "token")["name"] == "Theirs"


# -- rights and strangers --------------------------------------------------------------------------------------------

PAGES = ("", "/json", "/fields", "/try", "/access", "/delete", "/opt-out?field=allowed_ips")


@pytest.mark.usefixtures("_apis")
def test_who_may_only_read_is_offered_nothing_to_write(new_visitor: NewVisitor) -> None:
    visitor = reader(new_visitor, apis="read", keys="read")
    assert 'href="/new/api"' not in visitor.get("/apis").text
    for tab in ("", "/json", "/fields", "/access"):
        page = visitor.get(f"/apis/guarded{tab}").text
        assert ">Save" not in page
        assert ">Delete" not in page
        assert ">Serve without" not in page
    assert visitor.get("/apis/guarded/delete").status_code == 403


@pytest.mark.usefixtures("_apis")
@pytest.mark.parametrize("tab", PAGES)
def test_another_organisations_api_is_as_unknown_as_a_missing_one(tab: str, new_visitor: NewVisitor) -> None:
    stranger = new_visitor(fake_user(org_id="other"))
    stranger.sign_in()
    theirs, missing = stranger.get(f"/apis/guarded{tab}"), stranger.get(f"/apis/nothing{tab}")
    assert (theirs.status_code, missing.status_code) == (404, 404)
    assert text_of(theirs) == text_of(missing)
    csrf = fields_of(stranger.get("/new/api"), "/new/api")["csrf"]
    posted = stranger.send("POST", f"/apis/guarded{tab.partition('?')[0]}", {"Origin": ORIGIN}, data={"csrf": csrf})
    assert posted.status_code in (404, 405)
    assert "Archive" not in stranger.get("/apis").text


def test_what_somebody_else_wrote_is_text_and_no_markup(api: GatewayApi, visitor: Visitor) -> None:
    mark = "<img src=x onerror=alert(1)>'\""
    add(api, token_api(TARGET, "a", name=mark, tags=[mark], allowed_ips=["10.0.0.0/8"], **{mark: mark}))
    for path in ("/apis", *(f"/apis/a{tab}" for tab in PAGES)):
        text = visitor.get(path).text
        assert "<img" not in text
        assert path.endswith("/try") or "&lt;img" in text
