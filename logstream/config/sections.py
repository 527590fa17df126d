"""The sections of a configuration as frozen models: keys, types, ranges, defaults, and what each value should be.

Owns what one value may be. Refuses to read files or the environment, and to compare sections with each other: that
is `loading`. Each field's `description` says what is expected there; an array or table says it of its items in `each`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping  # noqa: TC003 - pydantic reads annotations at run time
from ipaddress import IPv6Address
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationInfo

from logstream.config.encodings import canonical_encoding
from logstream.config.problems import RefusalError, describe, nearest_name, quote
from logstream.parse import StartPatternError, check_start
from logstream.records import Level
from logstream.rules import RESERVED_EVENTS, PatternError, check_pattern

_NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
_NAME_RULE = "lower-case letters, digits, dots, underscores and hyphens, at most 64, the first a letter or digit"
_LEVEL_WORDS = tuple(level.word for level in Level)
_LEVELS = f"one of {', '.join(_LEVEL_WORDS)}"
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?")
# unix(7): sun_path holds 108 bytes, the last of them NUL.
_SOCKET_PATH_BYTES = 107

T = TypeVar("T")


def _refuse_future(what: str) -> BeforeValidator:
    """Takes only the value that changes nothing: a setting that would be ignored in silence is worse than none."""

    def check(value: object) -> object:
        if value is False:
            return value
        message = f"this version does not {what} yet"
        raise RefusalError(message, expected="false, or no such key")

    return BeforeValidator(check)


def _check_host(host: str) -> str:
    if ":" in host:
        IPv6Address(host)  # its ValueError is the refusal
    elif not _HOST_NAME.fullmatch(host):
        raise ValueError
    return host


def _check_root_path(root_path: str) -> str:
    if root_path and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", root_path):
        raise ValueError
    return root_path


def _check_sets(pattern: str) -> None:
    """Refuses character sets of a glob that mean nothing: empty ones, and ranges the wrong way round."""
    for members in re.findall(r"\[!?(\]?[^]/]*)\]", pattern):
        ranges = re.findall(r"(.)-(.)", members, re.DOTALL)
        if not members or any(first > last or "-" in (first, last) for first, last in ranges):
            message = f"found the string {quote(pattern)}"
            raise RefusalError(message, expected=f"characters or ranges such as a-z in {quote(f'[{members}]')}")


def _expand(path: str) -> Path:
    """`path` with its `~` expanded; raises RefusalError for what no file system can hold."""
    if not path or "\0" in path:
        raise ValueError
    try:
        return Path(path).expanduser()
    except RuntimeError:
        message = f"found the string {quote(path)}, but the home directory of {path.partition('/')[0]} is not known"
        raise RefusalError(message, expected="an absolute path") from None


def _base(info: ValidationInfo) -> Path | None:
    """The directory that relative paths start from; None where a model is built by hand."""
    return info.context["base"] if info.context else None


def _resolve_path(path: object, info: ValidationInfo) -> Path:
    if isinstance(path, str):
        path = _expand(path)
    if not isinstance(path, Path):
        raise ValueError  # noqa: TRY004 - pydantic takes a TypeError for a bug
    base = _base(info)
    return path if base is None else Path(os.path.normpath(base / path))


def _check_socket(path: Path) -> Path:
    if (length := len(os.fsencode(path))) > _SOCKET_PATH_BYTES:
        message = f"the path {quote(str(path))} is {length} bytes long"
        raise RefusalError(message, expected=f"at most {_SOCKET_PATH_BYTES} bytes, the system's limit for sockets")
    return path


def _resolve_glob(pattern: str, info: ValidationInfo) -> str:
    path = _expand(pattern)
    _check_sets(pattern)
    base = _base(info)
    if base is None or path.is_absolute():
        return os.path.normpath(path)
    # The directory's own name may hold characters that mean something in a glob.
    return os.path.normpath(Path(re.sub(r"([*?[])", r"[\1]", str(base))) / path)


def _resolve_exclude(pattern: str, info: ValidationInfo) -> str:
    """A pattern without a slash is kept: it is held against the file's name, wherever the file is."""
    resolved = _resolve_glob(pattern, info)
    return resolved if "/" in pattern or pattern.startswith("~") else pattern


def _check_encoding(name: str) -> str:
    return canonical_encoding(name)


def _check_label(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", name):
        message = f"{quote(name)} is not a label name"
        raise RefusalError(message, expected="letters, digits and underscores, at most 64, the first not a digit")
    return name


def _check_match(pattern: str) -> str:
    try:
        check_pattern(pattern)
    except PatternError as error:
        where = "" if error.column is None else f" (column {error.column} of {quote(pattern)})"
        message = f"{error.reason}{where}"
        raise RefusalError(message) from None
    return pattern


def _check_multiline(value: object) -> bool | str:
    if isinstance(value, bool):
        return value
    # Such a word is a boolean that was quoted, not a pattern: as one it would make a continuation of nearly each line.
    if not isinstance(value, str) or value.lower() in {"", "yes", "no", "on", "off", "true", "false", "auto"}:
        raise ValueError
    try:
        check_start(value)
    except StartPatternError as error:
        raise RefusalError(str(error)) from None
    return value


def _check_event(event: str) -> str:
    if event in RESERVED_EVENTS:
        message = f"{quote(event)} is an event of the stream itself or of EventSource"
        raise RefusalError(message, expected=f"none of {', '.join(sorted(RESERVED_EVENTS))}")
    return event


def _parse_level(word: object) -> object:
    if not isinstance(word, str):
        return word
    if word not in _LEVEL_WORDS:
        message, nearest = f"found {describe(word)}", nearest_name(word, _LEVEL_WORDS)
        raise RefusalError(message, expected=_LEVELS, nearest=nearest and quote(nearest))
    return Level.from_word(word)


def _check_condition(condition: str) -> str:
    comparison, word = re.fullmatch(r"(>=|<=|>|<|=|)(.*)", condition, re.DOTALL).groups()  # type: ignore[union-attr] # matches any text
    if word not in _LEVEL_WORDS:
        message, nearest = f"found {describe(condition)}", nearest_name(word, _LEVEL_WORDS)
        expected = f'a level such as "error", ">=warn" or "<info" ({_LEVELS})'
        raise RefusalError(message, expected=expected, nearest=nearest and quote(comparison + nearest))
    return condition


Name = Annotated[str, Field(pattern=_NAME)]
ResolvedPath = Annotated[Path, PlainValidator(_resolve_path)]
Strings = Annotated[tuple[T, ...], Field(strict=False)]
Highlight = Literal["red", "orange", "yellow", "green", "cyan", "blue", "purple", "grey"]


class _Section(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", validate_default=True)


class ServerSettings(_Section):
    """Where the service listens. With `unix_socket`, `host` and `port` are not used."""

    host: Annotated[str, AfterValidator(_check_host)] = Field(
        default="127.0.0.1", description="an IP address or a host name without port and brackets"
    )
    port: int = Field(default=8780, ge=0, le=65_535, description="a whole number from 0 (any free port) to 65535")
    unix_socket: Annotated[ResolvedPath, AfterValidator(_check_socket)] | None = Field(
        default=None, description="the path of a socket, as a string"
    )
    root_path: Annotated[str, AfterValidator(_check_root_path)] = Field(
        default="", description='a path such as "/logs": a slash first, none at the end'
    )


class StateSettings(_Section):
    """Where the journal lives, and what it survives."""

    dir: ResolvedPath = Field(default=Path(".logstream"), description="the path of a directory, as a string")
    durability: Literal["process", "full"] = Field(default="process", description='"process" or "full"')


class StreamSettings(_Section):
    """What holds for each open stream."""

    heartbeat_seconds: float = Field(default=15, ge=0.1, le=3_600, description="a number of seconds from 0.1 to 3600")
    retry_ms: int = Field(
        default=3_000, ge=100, le=600_000, description="a whole number of milliseconds from 100 to 600000"
    )
    max_connections: int = Field(default=1_000, ge=1, le=1_000_000, description="a whole number from 1 to 1000000")
    max_connections_per_client: int = Field(
        default=100, ge=1, le=1_000_000, description="a whole number from 1 to 1000000"
    )


class SourceSettings(_Section):
    """Files that are watched under one name. `paths` are absolute globs, `exclude` absolute globs or name patterns."""

    name: Name = Field(description=f"a name: {_NAME_RULE}")
    paths: Strings[Annotated[str, AfterValidator(_resolve_glob)]] = Field(
        min_length=1,
        description="an array of one or more paths or globs",
        json_schema_extra={"each": "a path or glob, as a string"},
    )
    exclude: Strings[Annotated[str, AfterValidator(_resolve_exclude)]] = Field(
        default=(), description="an array of globs", json_schema_extra={"each": "a glob, as a string"}
    )
    format: Literal["auto", "plain", "json"] = Field(default="auto", description='"auto", "plain" or "json"')
    encoding: Annotated[str, AfterValidator(_check_encoding)] = Field(
        default="utf-8", description='the name of an encoding, such as "utf-8" or "latin-1"'
    )
    multiline: Annotated[bool | str, PlainValidator(_check_multiline)] = Field(
        default=True, description="true, false, or a regular expression that first lines match, as a string"
    )
    start: Literal["start", "end"] = Field(default="start", description='"start" or "end"')
    max_line_bytes: int = Field(
        default=65_536, ge=256, le=65_536, description="a whole number of bytes from 256 to 65536"
    )
    labels: Annotated[
        Mapping[Annotated[str, AfterValidator(_check_label)], str],
        AfterValidator(lambda labels: MappingProxyType(dict(labels))),
    ] = Field(default_factory=dict, description="a table of strings", json_schema_extra={"each": "a string"})


class RuleSettings(_Section):
    """What is done with the lines that `match`, `source` and `level` all hold for."""

    name: Name = Field(description=f"a name: {_NAME_RULE}")
    match: Annotated[str, Field(min_length=1), AfterValidator(_check_match)] | None = Field(
        default=None, description="a regular expression, as a string that is not empty"
    )
    source: Annotated[str, Field(pattern=r"^[a-z0-9._*?\[\]!-]{1,200}$")] | None = Field(
        default=None, description='the name of a source, or a glob over names such as "web-*"'
    )
    level: Annotated[str, AfterValidator(_check_condition)] | None = Field(
        default=None, description='a level condition such as "error", ">=warn" or "<info", as a string'
    )
    action: Literal["tag", "drop", "keep"] = Field(default="tag", description='"tag", "drop" or "keep"')
    event: Annotated[Name, AfterValidator(_check_event)] | None = Field(
        default=None, description=f"an event type: {_NAME_RULE}"
    )
    set_level: Annotated[Level, BeforeValidator(_parse_level)] | None = Field(default=None, description=_LEVELS)
    highlight: Highlight | None = Field(
        default=None, description="a colour: red, orange, yellow, green, cyan, blue, purple or grey"
    )
    redact: Annotated[bool, _refuse_future("redact")] = Field(default=False, description="a boolean (true or false)")


class Tables(_Section):
    """A whole file, as TOML has it. Sections of one table each are always there, perhaps empty: see `judge`."""

    server: ServerSettings = Field(description="a table: [server]")
    state: StateSettings = Field(description="a table: [state]")
    stream: StreamSettings = Field(description="a table: [stream]")
    source: Strings[SourceSettings] = Field(
        default=(), description="an array of tables, each begun by [[source]]", json_schema_extra={"each": "a table"}
    )
    rule: Strings[RuleSettings] = Field(
        default=(), description="an array of tables, each begun by [[rule]]", json_schema_extra={"each": "a table"}
    )


OVERRIDABLE: Mapping[str, type[BaseModel]] = MappingProxyType(
    {"server": ServerSettings, "state": StateSettings, "stream": StreamSettings}
)
"""The sections whose keys the environment may set: those with one value a key."""

SECTIONS: Mapping[str, type[BaseModel]] = MappingProxyType(
    {**OVERRIDABLE, "source": SourceSettings, "rule": RuleSettings}
)
