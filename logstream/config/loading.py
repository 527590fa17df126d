"""Configuration file and environment in, `Settings` or every problem at once out.

Owns what the sections must be to each other, and the order in which file, environment and options win (the last one
does). Refuses to look at log files: that is `logstream check`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from logstream.access import NOBODY, AccessFileError, Users, read_users
from logstream.config.judge import judge_override, judge_tables
from logstream.config.overrides import Override, environment_overrides
from logstream.config.problems import ConfigError, Problem, printable, quote
from logstream.config.sections import OVERRIDABLE, AccessSettings
from logstream.config.tables import read_document
from logstream.openness import OBJECTION, REMEDY, is_open_to_strangers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from logstream.config.sections import (
        RuleSettings,
        ServerSettings,
        SourceSettings,
        StateSettings,
        StreamSettings,
        Tables,
    )
    from logstream.config.tables import Document

_USERS_FILE = "users.json"


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole configuration, judged: paths are absolute, patterns compile. `path` is the file it came from."""

    server: ServerSettings
    state: StateSettings
    stream: StreamSettings
    sources: tuple[SourceSettings, ...]
    rules: tuple[RuleSettings, ...]
    path: Path
    access: AccessSettings = field(default_factory=AccessSettings)
    users: Users = NOBODY
    """What the file of users holds."""

    @property
    def users_path(self) -> Path:
        """Where users and tokens are kept."""
        return self.access.users_file or self.state.dir / _USERS_FILE


def load(
    path: Path,
    environ: Mapping[str, str],
    options: Sequence[Override] = (),
    *,
    users: Literal["read", "try", "leave"] = "read",
) -> Settings:
    """The settings in the file `path`, overridden by `LOGSTREAM_SECTION__KEY` in `environ`, then by `options`.

    Relative paths, wherever they are written, start from the file's directory. With `users="try"` the file of users may
    be one that is not ours to read; with "leave" it is not looked at, nor whether it is needed. Raises ConfigError with
    all problems of the file, the environment and the options, else those of the users.
    """
    given, strangers = environment_overrides(environ)
    problems: list[Problem] = []
    tables: Tables | None = None
    document: Document | None = None
    base = Path("/")
    try:
        document = read_document(path)
    except ConfigError as error:
        problems += error.problems
    else:
        base = Path(os.path.realpath(path.parent))
        tables, found = judge_tables(document, base)
        problems += found
    problems += strangers
    changes: dict[str, dict[str, object]] = {section: {} for section in OVERRIDABLE}
    for override in (*given, *options):
        value, found = judge_override(override, base)
        problems += found
        changes[override.section][override.key] = value
    if problems or tables is None or document is None:
        raise ConfigError(problems)
    settings = _overridden(tables, changes, path)
    written = _Written(document, (*given, *options))
    if (header := _header_without_proxy(settings, written)) is not None:
        raise ConfigError([header])
    if users == "leave":
        return settings
    settings = replace(settings, users=_users(settings, written, is_strict=users == "read"))
    if _lets_anybody_in(settings):
        found_host = f"found {quote(settings.server.host)}: {OBJECTION}"
        raise ConfigError([Problem(written.place("server", "host"), "server.host", found_host, REMEDY)])
    return settings


class _Written(NamedTuple):
    """Where each setting was written: the file, the environment or an option."""

    document: Document
    overrides: tuple[Override, ...]

    def place(self, section: str, key: str) -> str:
        places = [one.place for one in self.overrides if (one.section, one.key) == (section, key)]
        return places[-1] if places else self.document.place((section, key))


def _lets_anybody_in(settings: Settings) -> bool:
    server = settings.server
    is_open = not server.unix_socket and not server.allow_anonymous and is_open_to_strangers(server.host)
    return is_open and not (settings.access.trusted_header or settings.users.is_asked_for)


def _users(settings: Settings, written: _Written, *, is_strict: bool) -> Users:
    """What the file of users holds, perhaps nobody if it is not ours to read; raises ConfigError."""
    path = settings.users_path
    try:
        users = read_users(path)
    except AccessFileError as error:
        if not is_strict and isinstance(error.__cause__, PermissionError):
            return Users(is_asked_for=True)
        raise ConfigError([_unreadable(settings, written, error)]) from None
    if settings.access.users_file is not None and not users.is_asked_for:
        place, found = written.place("access", "users_file"), f"there is no {quote(str(path))}"
        raise ConfigError([Problem(place, "access.users_file", found, "one that `logstream user add NAME` has made")])
    return users


def _unreadable(settings: Settings, written: _Written, error: AccessFileError) -> Problem:
    path = printable(str(settings.users_path))
    if settings.access.users_file is None:
        return Problem(path, "", error.reason, error.remedy)
    return Problem(written.place("access", "users_file"), "access.users_file", f"{path}: {error.reason}", error.remedy)


def _header_without_proxy(settings: Settings, written: _Written) -> Problem | None:
    if settings.access.trusted_header is None or settings.access.trusted_proxies:
        return None
    place = written.place("access", "trusted_header")
    message = "nobody is trusted to send it"
    return Problem(place, "access.trusted_header", message, 'trusted_proxies, such as ["unix"] or ["127.0.0.1"]')


def _overridden(tables: Tables, changes: Mapping[str, Mapping[str, object]], path: Path) -> Settings:
    return Settings(
        server=tables.server.model_copy(update=changes["server"]),
        state=tables.state.model_copy(update=changes["state"]),
        stream=tables.stream.model_copy(update=changes["stream"]),
        sources=tables.source,
        rules=tables.rule,
        path=path,
        access=tables.access.model_copy(update=changes["access"]),
    )
