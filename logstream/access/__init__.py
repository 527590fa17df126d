"""Who may read what: users, tokens, sessions, trusted proxies, and the sources that each of them is let see.

Owns the decisions, as plain functions over frozen values, and the few files that they rest on. Refuses to know HTTP
frameworks, log lines and ids: `api` asks here, and what it may not tell it treats as if it did not exist.
"""

from logstream.access.ended import EndedSessions
from logstream.access.errors import AccessFileError, NameTakenError, UnknownNameError, WrongNameError
from logstream.access.files import change_users, read_users, session_key
from logstream.access.limits import LoginLimits
from logstream.access.origins import Proxies, ProxyError, client_key, is_over_unix_socket, is_own_page, is_secure
from logstream.access.passwords import (
    LEAST_PASSWORD_CHARACTERS,
    MOST_PASSWORD_BYTES,
    hash_password,
    is_password,
    waste_as_much_time,
)
from logstream.access.policy import Asking, Policy, Refusal
from logstream.access.sessions import COOKIE, Session, open_session, seal_session
from logstream.access.users import (
    EVERY_SOURCE,
    NOBODY,
    Token,
    User,
    Users,
    check_glob,
    check_name,
    new_token,
    parse_users,
)
from logstream.access.viewers import ANYBODY, SourceScope, Viewer, everything, scope_of

__all__ = [
    "ANYBODY",
    "COOKIE",
    "EVERY_SOURCE",
    "LEAST_PASSWORD_CHARACTERS",
    "MOST_PASSWORD_BYTES",
    "NOBODY",
    "AccessFileError",
    "Asking",
    "EndedSessions",
    "LoginLimits",
    "NameTakenError",
    "Policy",
    "Proxies",
    "ProxyError",
    "Refusal",
    "Session",
    "SourceScope",
    "Token",
    "UnknownNameError",
    "User",
    "Users",
    "Viewer",
    "WrongNameError",
    "change_users",
    "check_glob",
    "check_name",
    "client_key",
    "everything",
    "hash_password",
    "is_over_unix_socket",
    "is_own_page",
    "is_password",
    "is_secure",
    "new_token",
    "open_session",
    "parse_users",
    "read_users",
    "scope_of",
    "seal_session",
    "session_key",
    "waste_as_much_time",
]
