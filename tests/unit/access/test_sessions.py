"""A session's cookie: good as long as it is whole, in time, and its user the same; bad in each other case."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstream.access import Session, User, Users, open_session, seal_session

KEY = b"k" * 32
ALICE = User("alice", ("*",), "$argon2id$alice")
MALLORY = User("mallory", ("app",), "$argon2id$mallory")
USERS = Users((ALICE, MALLORY), is_asked_for=True)
SESSION = Session("alice", "name-of-it", 1_000)
COOKIE = seal_session(SESSION, ALICE, KEY)


def opened(cookie: str, users: Users = USERS, key: bytes = KEY, now: float = 0.0) -> Session | None:
    found = open_session(cookie, users, key, now)
    return None if found is None else found[0]


def test_what_was_sealed_is_opened_until_its_end() -> None:
    assert opened(COOKIE, now=999.9) == SESSION
    assert opened(COOKIE, now=1_000.0) is None
    assert len(COOKIE) < 400
    assert "alice" not in COOKIE


def test_it_ends_with_its_user_and_with_the_password_and_with_the_key() -> None:
    assert opened(COOKIE, USERS.without_user("alice")) is None
    assert opened(COOKIE, USERS.with_password("alice", "$argon2id$other")) is None
    assert opened(COOKIE, Users((User("alice", ("*",), None),), is_asked_for=True)) is None
    assert opened(COOKIE, key=b"x" * 32) is None


def test_nobody_makes_another_session_of_their_own() -> None:
    version, body, signature = seal_session(SESSION._replace(name="mallory"), MALLORY, KEY).split(".")
    forged = base64.urlsafe_b64encode(b'["alice","name-of-it",99999]').rstrip(b"=").decode()
    assert opened(f"{version}.{body}.{signature}") is not None
    assert opened(f"{version}.{forged}.{signature}") is None
    assert opened(seal_session(SESSION, MALLORY, KEY)) is None


@pytest.mark.parametrize(
    "cookie", ["", ".", "..", "1..", "2" + COOKIE[1:], COOKIE + ".", COOKIE + "=", f" {COOKIE}", COOKIE * 9]
)
def test_what_is_no_cookie_of_ours_opens_nothing(cookie: str) -> None:
    assert opened(cookie) is None


@given(st.integers(0, len(COOKIE) - 1), st.characters())
def test_each_changed_character_spoils_it(at: int, character: str) -> None:
    changed = COOKIE[:at] + character + COOKIE[at + 1 :]
    assert changed == COOKIE or opened(changed) is None


@given(st.text())
def test_any_text_is_taken_and_opens_nothing(text: str) -> None:
    assert opened(text) is None
    assert opened(f"1.{text}") is None


@pytest.mark.parametrize("body", [b"[]", b"{}", b'["alice",1,2]', b'["alice","k",true]', b"\xff", b"null"])
def test_a_body_of_another_form_opens_nothing(body: bytes) -> None:
    text = base64.urlsafe_b64encode(body).rstrip(b"=").decode()
    assert opened(f"1.{text}.{COOKIE.split('.')[2]}") is None
