"""Signing in and out, and the password: what each form says and where it leads."""

from propylon.model.permissions import Permissions
from tests.dashboard.conftest import NewVisitor
from tests.kit.fake_people import PASSWORD, fake_user
from tests.kit.visitor import Visitor, text_of


def test_signing_in_gives_a_cookie_that_no_script_reads(new_visitor: NewVisitor) -> None:
    answer = new_visitor().sign_in()
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("authorisation="))
    assert answer.status_code == 303
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie, "it came over plain http, on loopback"


def test_a_wrong_password_says_so_keeps_the_address_and_not_the_password(new_visitor: NewVisitor) -> None:
    answer = new_visitor().sign_in(password="a wrong password")
    assert answer.status_code == 422
    assert "Credentials are incorrect, please try again" in answer.text
    assert "ada@example.com" in answer.text
    assert "a wrong password" not in answer.text


def test_an_empty_form_says_what_to_write(new_visitor: NewVisitor) -> None:
    answer = new_visitor().sign_in(password="")
    assert answer.status_code == 422
    assert "Write your e-mail address and your password" in answer.text


def test_too_many_tries_are_told_how_long_to_wait(new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    for _ in range(3):
        visitor.sign_in(password="a wrong password")
    answer = visitor.sign_in()
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    assert "wait a minute" in answer.text


def test_signing_out_ends_the_session_itself(visitor: Visitor, new_visitor: NewVisitor) -> None:
    stolen = visitor.cookie("authorisation")
    answer = visitor.submit(visitor.get("/logout"), "/logout")
    assert answer.headers["location"] == "/login?done=signed_out"
    assert "You are signed out" in visitor.get(answer.headers["location"]).text
    assert visitor.get("/keys", Cookie=f"authorisation={stolen}").status_code == 303


def test_a_link_signs_nobody_out(visitor: Visitor) -> None:
    assert "Sign out?" in visitor.get("/logout").text
    assert visitor.get("/keys").status_code == 200


def test_who_has_signed_in_lands_on_the_first_page_they_may_read(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(fake_user(permissions=Permissions(levels={"keys": "read"})))
    visitor.sign_in()
    assert visitor.get("/login").headers["location"] == "/keys"


def test_a_word_in_a_link_says_nothing_that_is_not_ours(visitor: Visitor) -> None:
    assert "Send your password" not in visitor.get("/keys?done=Send+your+password+to+us").text


def test_a_password_somebody_else_made_is_changed_before_anything_else(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(fake_user(must_change_password=True))
    visitor.sign_in()
    assert visitor.get("/keys").headers["location"] == "/password"
    page = visitor.get("/password")
    assert "Choose a new password" in page.text
    new = {"current": PASSWORD, "new": "a much longer one", "again": "a much longer one"}
    answer = visitor.submit(page, "/password", **new)
    assert answer.headers["location"] == "/?done=password_changed"
    assert visitor.get("/keys").status_code == 200


def test_what_is_wrong_with_a_new_password_stands_at_its_field(visitor: Visitor) -> None:
    page = visitor.get("/password")
    short = visitor.submit(page, "/password", current=PASSWORD, new="short", again="short")
    assert short.status_code == 422
    assert 'id="new-said" class="error">Use 12 characters or more' in short.text
    differing = visitor.submit(page, "/password", current=PASSWORD, new="one that is long", again="another")
    assert 'id="again-said" class="error"' in differing.text
    wrong = visitor.submit(page, "/password", current="wrong", new="one that is long", again="one that is long")
    assert 'id="current-said" class="error"' in wrong.text
    assert "one that is long" not in text_of(wrong)


def test_a_theme_is_kept_and_applied(visitor: Visitor) -> None:
    answer = visitor.submit(visitor.get("/nodes"), "/theme", theme="dark")
    assert answer.headers["location"] == "/nodes"
    assert '<html lang="en" data-theme="dark">' in visitor.get("/nodes").text
    assert visitor.submit(visitor.get("/nodes"), "/theme", theme="pink").status_code == 422


def test_the_theme_leads_back_to_our_own_page_only(visitor: Visitor) -> None:
    answer = visitor.submit(visitor.get("/nodes"), "/theme", theme="dark", back="//example.com")
    assert answer.headers["location"] == "/"
