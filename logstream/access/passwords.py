"""Passwords as argon2id hashes. Each call takes about a tenth of a second of processor time: never the event loop's."""

from __future__ import annotations

from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

MOST_PASSWORD_BYTES: Final = 1024
LEAST_PASSWORD_CHARACTERS: Final = 8
# RFC 9106, 4: the second recommended option's memory and passes, in one lane, so that a login takes one processor core.
_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1, hash_len=32, salt_len=16, type=Type.ID)
# Random bytes in the place of both: no password is known to give them. Made at its first use it would take twice as
# long just then, and tell that the name is not known.
_OF_NOBODY: Final = "$argon2id$v=19$m=65536,t=3,p=1$1HfYciQO3OpMnOMZy/ehPw$jC85csG1IMvYpwXJ5utwUqWNqLqy8oImed6UtsQAOVU"


def hash_password(password: str) -> str:
    """What is kept of a password."""
    return _HASHER.hash(password)


def is_password(hashed: str, password: str) -> bool:
    """Whether `hashed` is what is kept of `password`."""
    try:
        return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def waste_as_much_time(password: str) -> None:
    """Take as long as for a user that there is: how long a refusal takes must not tell which names are known."""
    is_password(_OF_NOBODY, password)
