"""The root secret: what is accepted as one, and what can be done with what it hashed and sealed."""

import hashlib
import hmac
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.errors import StoreUnavailable
from propylon.stores.sealing import RootSecret, load_or_make

TEXT = "q7_Lr0Z1v8nHkT2xWcY5sJdPfGmBaE4uOi9R-6Mo3KtA"
SECRET = RootSecret.from_text(TEXT)
OTHER = RootSecret.from_text(TEXT[::-1])
KEYS = SECRET.lasting_keys
BINDING = "keys:7:jwt_data.secret"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(hashlib.sha256(b"x").hexdigest(), id="32 bytes in hex"),
        pytest.param(TEXT, id="32 bytes in base64"),
        pytest.param("a sentence that nobody has ever written down anywhere, I hope", id="a long text"),
        pytest.param(f"\n{TEXT}\n", id="white space around it"),
    ],
)
def test_a_text_with_256_bits_is_a_root_secret(text: str) -> None:
    assert re.fullmatch(r"sha256:[0-9a-f]{16}", RootSecret.from_text(text).fingerprint)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "has 0 characters and needs at least 43", id="empty"),
        pytest.param("short", "has 5 characters and needs at least 43", id="short"),
        pytest.param("0123456789abcdef" * 2, "has 32 hex digits and needs at least 64", id="16 bytes in hex"),
        pytest.param("ab" * 32, "repeats", id="two digits"),
    ],
)
def test_a_weak_text_is_refused_with_the_remedy(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"{why}.*; make one with"):
        RootSecret.from_text(text)


def test_white_space_around_a_secret_does_not_make_another_one() -> None:
    assert RootSecret.from_text(f" {TEXT}\n").fingerprint == SECRET.fingerprint != OTHER.fingerprint


def test_two_generated_secrets_differ() -> None:
    assert RootSecret.generate().fingerprint != RootSecret.generate().fingerprint


def test_a_secret_shows_only_its_fingerprint() -> None:
    assert repr(SECRET) == f"RootSecret({SECRET.fingerprint})"
    assert not any(TEXT in str(value) for value in vars(SECRET).values())


def test_a_key_hash_stays_what_it_was_in_every_release() -> None:
    """Stored hashes depend on it: HKDF and HMAC of RFC 5869 and 2104, written out once more."""
    extracted = hmac.digest(bytes(32), TEXT.encode(), "sha256")
    pepper = hmac.digest(extracted, b"propylon 1 key hash\x01", "sha256")
    assert KEYS.key_hash("acme", "aaa") == hmac.digest(pepper, b"\0\0\0\4acmeaaa", "sha256").hex()


TEXTS = st.text(st.characters(), max_size=8)  # lone surrogates too: a JSON string may hold them


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_two_keys_share_a_hash_only_if_organisation_and_id_are_the_same(
    org: str, key: str, other_org: str, other_key: str
) -> None:
    same = (org, key) == (other_org, other_key)
    assert (KEYS.key_hash(org, key) == KEYS.key_hash(other_org, other_key)) is same


@pytest.mark.parametrize("other", ["aaa-bbb-99", "aaa-bbb-9999", "aaa-bbb-998", "AAA-bbb-999", "aa-bbb-999", ""])
def test_every_character_of_a_key_id_counts(other: str) -> None:
    assert KEYS.key_hash("acme", "aaa-bbb-999") != KEYS.key_hash("acme", other)


def test_organisation_and_id_do_not_run_into_each_other() -> None:
    assert KEYS.key_hash("a", "bc") != KEYS.key_hash("ab", "c")


def test_another_root_secret_hashes_otherwise() -> None:
    assert KEYS.key_hash("acme", "aaa") != OTHER.lasting_keys.key_hash("acme", "aaa")
    assert KEYS.etag("content") != OTHER.lasting_keys.etag("content")


@given(TEXTS, TEXTS)
def test_what_was_sealed_opens_at_its_place(plaintext: str, binding: str) -> None:
    assert SECRET.unseal(SECRET.seal(plaintext, binding), binding) == plaintext


def test_the_same_value_sealed_twice_does_not_look_the_same() -> None:
    assert SECRET.seal("hush", BINDING) != SECRET.seal("hush", BINDING)


def test_a_sealed_value_names_its_root_secret() -> None:
    assert SECRET.seal("hush", BINDING).split(".")[1] == SECRET.fingerprint.removeprefix("sha256:")


@pytest.mark.parametrize("binding", ["keys:8:jwt_data.secret", "keys:7:hmac_string", "apis:7:jwt_data.secret", ""])
def test_a_value_moved_to_another_place_does_not_open(binding: str) -> None:
    with pytest.raises(StoreUnavailable, match="was moved from another place"):
        SECRET.unseal(SECRET.seal("hush", BINDING), binding)


def test_a_value_of_another_root_secret_does_not_open_and_both_are_named() -> None:
    with pytest.raises(StoreUnavailable, match=f"not sealed with the root secret {OTHER.fingerprint}"):
        OTHER.unseal(SECRET.seal("hush", BINDING), BINDING)


def _flip_last(sealed: str) -> str:
    return sealed[:-1] + ("A" if sealed[-1] != "A" else "B")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(_flip_last, id="one character"),
        pytest.param(lambda sealed: sealed[:-8], id="cut"),
        pytest.param(lambda sealed: sealed.rpartition(".")[0] + ".", id="empty"),
        pytest.param(lambda sealed: sealed + "é", id="not base64"),
        pytest.param(lambda _: "hush", id="a plain text"),
        pytest.param(lambda _: "", id="nothing"),
    ],
)
def test_a_damaged_value_does_not_open(damage: Callable[[str], str]) -> None:
    with pytest.raises(StoreUnavailable, match=BINDING):
        SECRET.unseal(damage(SECRET.seal("a longer secret", BINDING)), BINDING)


def test_a_missing_file_is_made_for_the_owner_alone_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "root_secret"
    made = load_or_make(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_make(path).fingerprint == made.fingerprint
    assert [file.name for file in tmp_path.iterdir()] == ["root_secret"]


def test_a_file_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "root_secret"
    path.write_text(TEXT)
    path.chmod(0o600)
    assert load_or_make(path).fingerprint == SECRET.fingerprint
    assert path.read_text() == TEXT


def test_a_file_others_can_read_is_said_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "root_secret"
    path.write_text(TEXT)
    path.chmod(0o640)
    load_or_make(path)
    assert f"chmod 600 {path}" in caplog.text
    assert TEXT not in caplog.text


def test_a_cut_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "root_secret"
    path.touch(mode=0o600)
    with pytest.raises(ValueError, match=f"{path}: .*restore the file from a backup"):
        load_or_make(path)
