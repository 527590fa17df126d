"""Configuration file and environment in, `Settings` or every problem at once out.

Owns what the sections must be to each other, and the order in which file, environment and options win (the last one
does). Refuses to look at log files: that is `logstream check`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from logstream.config.judge import judge_override, judge_tables
from logstream.config.overrides import Override, environment_overrides
from logstream.config.problems import ConfigError, Problem, quote
from logstream.config.sections import OVERRIDABLE
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


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole configuration, judged: paths are absolute, patterns compile. `path` is the file it came from."""

    server: ServerSettings
    state: StateSettings
    stream: StreamSettings
    sources: tuple[SourceSettings, ...]
    rules: tuple[RuleSettings, ...]
    path: Path


def load(path: Path, environ: Mapping[str, str], options: Sequence[Override] = ()) -> Settings:
    """The settings in the file `path`, overridden by `LOGSTREAM_SECTION__KEY` in `environ`, then by `options`.

    Relative paths, wherever they are written, start from the file's directory. Raises ConfigError with all problems
    of the file, the environment and the options.
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
    if _lets_anybody_in(settings.server):
        places = [override.place for override in (*given, *options) if override.key == "host"]
        place = places[-1] if places else document.place(("server", "host"))
        found_host = f"found {quote(settings.server.host)}: {OBJECTION}"
        raise ConfigError([Problem(place, "server.host", found_host, REMEDY)])
    return settings


def _lets_anybody_in(server: ServerSettings) -> bool:
    return not server.unix_socket and not server.allow_anonymous and is_open_to_strangers(server.host)


def _overridden(tables: Tables, changes: Mapping[str, Mapping[str, object]], path: Path) -> Settings:
    return Settings(
        server=tables.server.model_copy(update=changes["server"]),
        state=tables.state.model_copy(update=changes["state"]),
        stream=tables.stream.model_copy(update=changes["stream"]),
        sources=tables.source,
        rules=tables.rule,
        path=path,
    )
