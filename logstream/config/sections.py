"""The sections of a configuration as frozen models: keys, types, ranges, defaults, and what each value should be.

Owns which keys there are; how one value is checked is in `checks`. Refuses to read files or the environment, and to
compare sections with each other: that is `judge`. Each field's `description` says what is expected there; an array or
table says it of its items in `each`.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads annotations at run time
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from logstream.config.checks import (
    FORMAT,
    LEVELS,
    REDACT,
    check_condition,
    check_encoding,
    check_event,
    check_format,
    check_globs,
    check_header,
    check_host,
    check_label,
    check_match,
    check_multiline,
    check_proxies,
    check_redact,
    check_root_path,
    check_socket,
    check_where,
    parse_level,
    resolve_exclude,
    resolve_glob,
    resolve_path,
)
from logstream.records import Level  # noqa: TC001 - pydantic reads annotations at run time

_NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
_NAME_RULE = "lower-case letters, digits, dots, underscores and hyphens, at most 64, the first a letter or digit"

T = TypeVar("T")


Name = Annotated[str, Field(pattern=_NAME)]
ResolvedPath = Annotated[Path, PlainValidator(resolve_path)]
Strings = Annotated[tuple[T, ...], Field(strict=False)]
Highlight = Literal["red", "orange", "yellow", "green", "cyan", "blue", "purple", "grey"]


class _Section(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", validate_default=True)


class ServerSettings(_Section):
    """Where the service listens. With `unix_socket`, `host` and `port` are not used."""

    host: Annotated[str, AfterValidator(check_host)] = Field(
        default="127.0.0.1", description="an IP address or a host name without port and brackets"
    )
    port: int = Field(default=8780, ge=0, le=65_535, description="a whole number from 0 (any free port) to 65535")
    unix_socket: Annotated[ResolvedPath, AfterValidator(check_socket)] | None = Field(
        default=None, description="the path of a socket, as a string"
    )
    root_path: Annotated[str, AfterValidator(check_root_path)] = Field(
        default="", description='a path such as "/logs": a slash first, none at the end'
    )
    allow_anonymous: bool = Field(default=False, description="true or false")
    workers: int = Field(default=1, ge=1, le=64, description="a whole number of processes from 1 to 64")


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


class AccessSettings(_Section):
    """Who may read. Without a file of users and a trusted header nobody is asked who they are."""

    users_file: ResolvedPath | None = Field(default=None, description="the path of a file, as a string")
    session_hours: int = Field(default=24, ge=1, le=8_760, description="a whole number of hours from 1 to 8760")
    trusted_header: Annotated[str, AfterValidator(check_header)] | None = Field(
        default=None, description='the name of a header such as "X-Forwarded-User", as a string'
    )
    trusted_proxies: Annotated[tuple[str, ...], PlainValidator(check_proxies)] = Field(
        default=("unix",), description='an array of addresses, networks such as "10.0.0.0/8", or "unix"'
    )
    header_sources: Annotated[tuple[str, ...], PlainValidator(check_globs)] = Field(
        default=("*",), description='an array of globs over the names of sources, such as "web-*"'
    )
    metrics: Literal["protected", "open"] = Field(default="protected", description='"protected" or "open"')


class SourceSettings(_Section):
    """Files that are watched under one name. `paths` are absolute globs, `exclude` absolute globs or name patterns."""

    name: Name = Field(description=f"a name: {_NAME_RULE}")
    paths: Strings[Annotated[str, AfterValidator(resolve_glob)]] = Field(
        min_length=1,
        description="an array of one or more paths or globs",
        json_schema_extra={"each": "a path or glob, as a string"},
    )
    exclude: Strings[Annotated[str, AfterValidator(resolve_exclude)]] = Field(
        default=(), description="an array of globs", json_schema_extra={"each": "a glob, as a string"}
    )
    format: Annotated[str, AfterValidator(check_format)] = Field(default="auto", description=FORMAT)
    encoding: Annotated[str, AfterValidator(check_encoding)] = Field(
        default="utf-8", description='the name of an encoding, such as "utf-8", "utf-16-le" or "latin-1"'
    )
    multiline: Annotated[bool | str, PlainValidator(check_multiline)] = Field(
        default=True, description="true, false, or a regular expression that first lines match, as a string"
    )
    start: Literal["start", "end"] = Field(default="start", description='"start" or "end"')
    max_line_bytes: int = Field(
        default=65_536, ge=256, le=65_536, description="a whole number of bytes from 256 to 65536"
    )
    labels: Annotated[
        Mapping[Annotated[str, AfterValidator(check_label)], str],
        AfterValidator(lambda labels: MappingProxyType(dict(labels))),
    ] = Field(default_factory=dict, description="a table of strings", json_schema_extra={"each": "a string"})


class RuleSettings(_Section):
    """What is done with the lines that `match`, `source`, `level` and `where` all hold for."""

    name: Name = Field(description=f"a name: {_NAME_RULE}")
    match: Annotated[str, Field(min_length=1), AfterValidator(check_match)] | None = Field(
        default=None, description="a regular expression, as a string that is not empty"
    )
    source: Annotated[str, Field(pattern=r"^[a-z0-9._*?\[\]!-]{1,200}$")] | None = Field(
        default=None, description='the name of a source, or a glob over names such as "web-*"'
    )
    level: Annotated[str, AfterValidator(check_condition)] | None = Field(
        default=None, description='a level condition such as "error", ">=warn" or "<info", as a string'
    )
    where: Annotated[str, AfterValidator(check_where)] | None = Field(
        default=None, description='a query such as "status:>=500 took:>250ms", as a string that is not empty'
    )
    action: Literal["tag", "drop", "keep"] = Field(default="tag", description='"tag", "drop" or "keep"')
    event: Annotated[Name, AfterValidator(check_event)] | None = Field(
        default=None, description=f"an event type: {_NAME_RULE}"
    )
    set_level: Annotated[Level, BeforeValidator(parse_level)] | None = Field(default=None, description=LEVELS)
    highlight: Highlight | None = Field(
        default=None, description="a colour: red, orange, yellow, green, cyan, blue, purple or grey"
    )
    redact: Annotated[bool | tuple[str, ...], PlainValidator(check_redact)] = Field(default=False, description=REDACT)


class Tables(_Section):
    """A whole file, as TOML has it. Sections of one table each are always there, perhaps empty: see `judge`."""

    server: ServerSettings = Field(description="a table: [server]")
    state: StateSettings = Field(description="a table: [state]")
    stream: StreamSettings = Field(description="a table: [stream]")
    access: AccessSettings = Field(description="a table: [access]")
    source: Strings[SourceSettings] = Field(
        default=(), description="an array of tables, each begun by [[source]]", json_schema_extra={"each": "a table"}
    )
    rule: Strings[RuleSettings] = Field(
        default=(), description="an array of tables, each begun by [[rule]]", json_schema_extra={"each": "a table"}
    )


OVERRIDABLE: Mapping[str, type[BaseModel]] = MappingProxyType(
    {"server": ServerSettings, "state": StateSettings, "stream": StreamSettings, "access": AccessSettings}
)
"""The sections whose keys the environment may set: those with one value a key."""

SECTIONS: Mapping[str, type[BaseModel]] = MappingProxyType(
    {**OVERRIDABLE, "source": SourceSettings, "rule": RuleSettings}
)
