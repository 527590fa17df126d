"""Password hashes: argon2id, salted, and as slow for nobody as for somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logstream.access import hash_password, is_password, waste_as_much_time
from logstream.access import passwords as passwords_module

if TYPE_CHECKING:
    import pytest

HASH = hash_password("correct horse")


def test_a_hash_is_argon2id_and_of_one_password_alone() -> None:
    assert HASH.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert "correct" not in HASH
    assert is_password(HASH, "correct horse")
    assert not is_password(HASH, "correct horse ")
    assert not is_password(HASH, "")
    assert hash_password("correct horse") != HASH


def test_what_is_no_hash_is_nobodys_password() -> None:
    for broken in ("", "$argon2id$", HASH[:-4], "secret"):
        assert not is_password(broken, "secret")


def test_an_unknown_user_costs_the_same_as_a_known_one_from_the_first_time_on(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    hasher = passwords_module._HASHER

    class Counting:
        def hash(self, password: str) -> str:
            done.append("hash")
            return hasher.hash(password)

        def verify(self, hashed: str, password: str) -> bool:
            done.append(":".join(hashed.split("$")[:4]))
            return hasher.verify(hashed, password)

    monkeypatch.setattr(passwords_module, "_HASHER", Counting())
    waste_as_much_time("anything")
    assert not is_password(HASH, "anything")
    assert len(done) == 2
    assert done[0] == done[1]
