"""The files that access rests on: their modes, that they are whole, and what of several processes holds."""

from __future__ import annotations

import os
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from logstream.access import (
    NOBODY,
    AccessFileError,
    EndedSessions,
    NameTakenError,
    User,
    change_users,
    read_users,
    session_key,
)
from logstream.access import ended as ended_module

if TYPE_CHECKING:
    from pathlib import Path


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_made_for_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        users = change_users(tmp_path / "users.json", lambda users: users.with_user(User("alice")))
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "users.json") == 0o600
    assert read_users(tmp_path / "users.json") == users
    assert [path.name for path in tmp_path.iterdir()] == ["users.json"]


def test_root_makes_it_for_whom_the_directory_is(tmp_path: Path) -> None:
    owner = 12_345 if os.geteuid() == 0 else os.geteuid()
    os.chown(tmp_path, owner, -1)
    change_users(tmp_path / "users.json", lambda users: users.with_user(User("alice")))
    change_users(tmp_path / "users.json", lambda users: users.with_user(User("bob")))
    session_key(tmp_path)
    assert {path.name: path.stat().st_uid for path in tmp_path.iterdir()} == {"users.json": owner, "session.key": owner}


def test_no_file_is_nobody_and_is_not_made_by_reading(tmp_path: Path) -> None:
    assert read_users(tmp_path / "users.json") is NOBODY
    assert not list(tmp_path.iterdir())


def test_a_change_that_is_refused_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    change_users(path, lambda users: users.with_user(User("alice")))
    before = path.read_bytes(), path.stat().st_ino
    with pytest.raises(NameTakenError):
        change_users(path, lambda users: users.with_user(User("alice")))
    assert (path.read_bytes(), path.stat().st_ino) == before
    assert [path.name for path in tmp_path.iterdir()] == ["users.json"]


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o620, 0o602, 0o666])
def test_a_file_that_others_may_read_or_change_is_refused_with_its_remedy(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "users.json"
    change_users(path, lambda users: users.with_user(User("alice")))
    path.chmod(mode)
    with pytest.raises(AccessFileError, match=f"chmod 600 {path}"):
        read_users(path)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_a_file_that_only_its_owner_and_group_may_read_is_taken(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "users.json"
    change_users(path, lambda users: users.with_user(User("alice")))
    path.chmod(mode)
    assert read_users(path).user("alice") is not None


def test_what_is_no_file_of_users_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken").write_text("{")
    (tmp_path / "broken").chmod(0o600)
    os.mkfifo(tmp_path / "fifo", 0o600)
    for name, reason in (("folder", "not a regular file"), ("broken", "not JSON"), ("fifo", "not a regular file")):
        with pytest.raises(AccessFileError, match=reason):
            read_users(tmp_path / name)
    with pytest.raises(AccessFileError, match="cannot be written"):
        change_users(tmp_path / "no" / "where" / "users.json", lambda users: users)


def test_two_who_change_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "users.json"

    def add(start: int) -> None:
        for number in range(start, start + 20):
            change_users(path, lambda users, name=f"u{number}": users.with_user(User(name)))  # type: ignore[misc]

    threads = [threading.Thread(target=add, args=(start,)) for start in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_users(path).users) == 60


def test_the_key_is_made_once_for_its_owner_alone_and_is_the_same_for_all(tmp_path: Path) -> None:
    keys: list[bytes] = []
    threads = [threading.Thread(target=lambda: keys.append(session_key(tmp_path / "state"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys)) == 1
    assert len(keys[0]) >= 32
    assert mode_of(tmp_path / "state" / "session.key") == 0o600
    assert session_key(tmp_path / "other") != keys[0]
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["session.key"]


def test_a_key_that_was_cut_short_is_never_used(tmp_path: Path) -> None:
    (tmp_path / "session.key").write_bytes(b"")
    assert len(session_key(tmp_path)) >= 32
    assert session_key(tmp_path) == (tmp_path / "session.key").read_bytes()


def test_a_session_that_was_ended_is_so_for_others_and_later(tmp_path: Path) -> None:
    one, other = EndedSessions(tmp_path), EndedSessions(tmp_path)
    assert not other.has("a")
    one.end("a", 1_000, 0.0)
    one.end("a", 1_000, 0.0)
    assert one.has("a")
    assert other.has("a")
    assert EndedSessions(tmp_path).has("a")
    assert not other.has("b")
    assert mode_of(tmp_path / "sessions-ended") == 0o600
    assert len((tmp_path / "sessions-ended").read_text().splitlines()) == 1


def test_what_would_have_ended_by_itself_leaves_the_file_once_it_is_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended_module, "_TIDY_BYTES", 200)
    ended = EndedSessions(tmp_path)
    for number in range(100):
        ended.end(f"short-{number}", 10, 0.0)
    ended.end("long", 1_000, 0.0)
    for number in range(100):
        ended.end(f"later-{number}", 1_000 if number == 99 else 20, 15.0)
    ended.end("last", 1_000, 30.0)
    assert all(ended.has(name) for name in ("long", "later-99", "last"))
    assert not ended.has("short-0")
    assert (tmp_path / "sessions-ended").stat().st_size < 300


def test_a_file_that_vanishes_brings_no_session_back(tmp_path: Path) -> None:
    ended = EndedSessions(tmp_path)
    ended.end("a", 1_000, 0.0)
    assert ended.has("a")
    (tmp_path / "sessions-ended").unlink()
    assert ended.has("a")
