"""What the file of users may say, and that nothing of a secret is ever shown."""

from __future__ import annotations

import json

import pytest

from logstream.access import (
    NOBODY,
    NameTakenError,
    Token,
    UnknownNameError,
    User,
    Users,
    WrongNameError,
    check_glob,
    check_name,
    new_token,
    parse_users,
)

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"
ALICE = User("alice", ("web-*", "db"), HASH)
TOKEN, SECRET = new_token("ci", ("app",))
SOME = Users((ALICE, User("bob", ("*",), None)), (TOKEN,), is_asked_for=True)


def test_what_is_written_is_read_back() -> None:
    assert parse_users(SOME.encode()) == SOME
    assert NOBODY.is_asked_for is False


@pytest.mark.parametrize("shown", [repr(SOME), str(SOME), repr(ALICE), repr(TOKEN)])
def test_no_hash_is_shown(shown: str) -> None:
    assert "argon2" not in shown
    assert TOKEN.digest not in shown


def test_a_token_is_known_by_its_secret_alone_and_not_by_what_is_kept_of_it() -> None:
    assert SOME.token_of(SECRET) == TOKEN
    assert SECRET not in SOME.encode().decode()
    for wrong in ("", "ci", TOKEN.digest, SECRET[:-1], SECRET + "x", SECRET.upper(), "ü" * 500):
        assert SOME.token_of(wrong) is None


def test_two_tokens_have_nothing_in_common() -> None:
    assert len({new_token("a", ("*",))[1] for _ in range(50)}) == 50


def test_users_and_tokens_come_and_go_by_name() -> None:
    grown = SOME.with_user(User("carol")).with_token(Token("cd"))
    assert [user.name for user in grown.users] == ["alice", "bob", "carol"]
    assert grown.without_user("carol").without_token("cd") == SOME
    changed = SOME.with_password("bob", HASH).user("bob")
    assert changed is not None
    assert changed.password == HASH


def test_a_name_that_is_taken_or_unknown_is_told_with_what_there_is() -> None:
    with pytest.raises(NameTakenError, match="passwd alice"):
        SOME.with_user(User("alice"))
    with pytest.raises(NameTakenError, match="remove ci"):
        SOME.with_token(Token("ci"))
    with pytest.raises(UnknownNameError, match="alice, bob"):
        SOME.without_user("mallory")
    with pytest.raises(UnknownNameError, match="alice, bob"):
        SOME.with_password("mallory", HASH)
    with pytest.raises(UnknownNameError, match="there are: ci"):
        SOME.without_token("other")


@pytest.mark.parametrize("name", ["", "-a", "a b", "a\n", "a|b", "é", "x" * 129, "a\x1b[2J"])
def test_a_name_that_could_be_taken_for_something_else_is_none(name: str) -> None:
    with pytest.raises(WrongNameError):
        check_name(name)


@pytest.mark.parametrize("glob", ["", "A", "web app", "../x", "x\n"])
def test_a_glob_that_no_source_can_match_is_none(glob: str) -> None:
    with pytest.raises(WrongNameError):
        check_glob(glob)


def told(**changes: object) -> bytes:
    user = {"name": "alice", "sources": ["*"], "password": HASH}
    whole: dict[str, object] = {"format": 1, "users": [user], "tokens": []}
    return json.dumps(whole | changes).encode()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{", "not JSON"),
        (b"[]", '"format": 1'),
        (told(format=2), '"format": 1'),
        (told(users={}), "no list"),
        (told(users=[1]), "no list"),
        (told(users=[{"sources": ["*"]}]), "a name"),
        (told(users=[{"name": "alice"}]), '"sources"'),
        (told(users=[{"name": "alice", "source": ["*"]}]), '"sources"'),
        (told(users=[{"name": "alice", "sources": "*"}]), '"sources"'),
        (told(users=[{"name": "alice", "sources": ["*"], "password": "secret"}]), "argon2id"),
        (told(users=[{"name": "a", "sources": []}, {"name": "a", "sources": []}]), "two of the name user 'a'"),
        (told(tokens=[{"name": "ci", "sources": ["*"]}]), "SHA-256"),
        (told(tokens=[{"name": "ci", "sources": ["*"], "sha256": "abc"}]), "SHA-256"),
    ],
)
def test_a_file_that_says_something_else_is_refused_and_gives_nothing_away(text: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        parse_users(text)
    assert "secret" not in str(caught.value)


def test_an_empty_file_lets_nobody_in() -> None:
    empty = parse_users(b'{"format": 1}')
    assert empty.is_asked_for
    assert not empty.users
    assert not empty.tokens
