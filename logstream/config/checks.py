"""What one value of a configuration may be: a function for each kind, which gives it back in its normal form.

Owns the refusals and their words; pydantic calls these. Refuses to compare values with each other.
"""

from __future__ import annotations

import os
import re
import sys
from ipaddress import IPv6Address
from pathlib import Path
from typing import TYPE_CHECKING

from logstream.access import Proxies, ProxyError, WrongNameError, check_glob
from logstream.config.encodings import canonical_encoding
from logstream.config.problems import RefusalError, describe, nearest_name, quote
from logstream.parse import FORMATS, StartPatternError, check_start
from logstream.records import Level
from logstream.rules import PRESETS, RESERVED_EVENTS, PatternError, QueryError, check_pattern, parse_query

if TYPE_CHECKING:
    from pydantic import ValidationInfo

_LEVEL_WORDS = tuple(level.word for level in Level)
LEVELS = f"one of {', '.join(_LEVEL_WORDS)}"
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?")
# unix(7): sun_path holds 108 bytes, the last of them NUL.
_SOCKET_PATH_BYTES = 107
FORMAT = f"one of {', '.join(map(quote, FORMATS))}"
_OWN_HEADERS = frozenset({"authorization", "cookie", "host", "origin", "user-agent", "referer"})
REDACT = f"true, false, or presets: {', '.join(map(quote, sorted(PRESETS)))}"


def check_host(host: str) -> str:
    """A host name or an IP address."""
    if ":" in host:
        IPv6Address(host)  # its ValueError is the refusal
    elif not _HOST_NAME.fullmatch(host):
        raise ValueError
    return host


def check_root_path(root_path: str) -> str:
    """A path below which the service is reached, or none."""
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
        os.fsencode(path)
    except UnicodeEncodeError:
        message = f"found the string {quote(path)}, of which file names in {sys.getfilesystemencoding()} cannot consist"
        raise RefusalError(message, expected="a locale of UTF-8 for such names, as with LC_ALL=C.UTF-8") from None
    try:
        return Path(path).expanduser()
    except RuntimeError:
        message = f"found the string {quote(path)}, but the home directory of {path.partition('/')[0]} is not known"
        raise RefusalError(message, expected="an absolute path") from None


def _base(info: ValidationInfo) -> Path | None:
    """The directory that relative paths start from; None where a model is built by hand."""
    return info.context["base"] if info.context else None


def resolve_path(path: object, info: ValidationInfo) -> Path:
    """A path, absolute from where the configuration lies."""
    if isinstance(path, str):
        path = _expand(path)
    if not isinstance(path, Path):
        raise ValueError  # noqa: TRY004 - pydantic takes a TypeError for a bug
    base = _base(info)
    return path if base is None else Path(os.path.normpath(base / path))


def check_socket(path: Path) -> Path:
    """A path that a socket may have."""
    if (length := len(os.fsencode(path))) > _SOCKET_PATH_BYTES:
        message = f"the path {quote(str(path))} is {length} bytes long"
        raise RefusalError(message, expected=f"at most {_SOCKET_PATH_BYTES} bytes, the system's limit for sockets")
    return path


def resolve_glob(pattern: str, info: ValidationInfo) -> str:
    """A glob, absolute from where the configuration lies."""
    path = _expand(pattern)
    _check_sets(pattern)
    base = _base(info)
    if base is None or path.is_absolute():
        return os.path.normpath(path)
    # The directory's own name may hold characters that mean something in a glob.
    return os.path.normpath(Path(re.sub(r"([*?[])", r"[\1]", str(base))) / path)


def resolve_exclude(pattern: str, info: ValidationInfo) -> str:
    """A pattern without a slash is kept: it is held against the file's name, wherever the file is."""
    resolved = resolve_glob(pattern, info)
    return resolved if "/" in pattern or pattern.startswith("~") else pattern


def check_encoding(name: str) -> str:
    """The name of an encoding, as Python has it."""
    return canonical_encoding(name)


def check_format(name: str) -> str:
    """The name of a format."""
    if name not in FORMATS:
        nearest = nearest_name(name, FORMATS)
        message = f"found {describe(name)}"
        raise RefusalError(message, expected=FORMAT, nearest=nearest and quote(nearest))
    return name


def check_label(name: str) -> str:
    """The name of a label."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", name):
        message = f"{quote(name)} is not a label name"
        raise RefusalError(message, expected="letters, digits and underscores, at most 64, the first not a digit")
    return name


def check_match(pattern: str) -> str:
    """A regular expression that Hyperscan takes."""
    try:
        check_pattern(pattern)
    except PatternError as error:
        where = "" if error.column is None else f" (column {error.column} of {quote(pattern)})"
        message = f"{error.reason}{where}"
        raise RefusalError(message) from None
    return pattern


def check_multiline(value: object) -> bool | str:
    """Whether lines go on with others, or the pattern of those that do not."""
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


def check_event(event: str) -> str:
    """A type that a rule may give."""
    if event in RESERVED_EVENTS:
        message = f"{quote(event)} is an event of the stream itself or of EventSource"
        raise RefusalError(message, expected=f"none of {', '.join(sorted(RESERVED_EVENTS))}")
    return event


def parse_level(word: object) -> object:
    """A level by its word."""
    if not isinstance(word, str):
        return word
    if word not in _LEVEL_WORDS:
        message, nearest = f"found {describe(word)}", nearest_name(word, _LEVEL_WORDS)
        raise RefusalError(message, expected=LEVELS, nearest=nearest and quote(nearest))
    return Level.from_word(word)


def check_condition(condition: str) -> str:
    """A condition on a level."""
    comparison, word = re.fullmatch(r"(>=|<=|>|<|=|)(.*)", condition, re.DOTALL).groups()  # type: ignore[union-attr] # matches any text
    if word not in _LEVEL_WORDS:
        message, nearest = f"found {describe(condition)}", nearest_name(word, _LEVEL_WORDS)
        expected = f'a level such as "error", ">=warn" or "<info" ({LEVELS})'
        raise RefusalError(message, expected=expected, nearest=nearest and quote(comparison + nearest))
    return condition


def check_where(text: str) -> str:
    """A query; raises RefusalError with the column and what was expected there."""
    try:
        parse_query(text)
    except QueryError as error:
        hint = f" ({error.hint})" if error.hint else ""
        message = f"column {error.column} of {quote(text)}: found {error.found}{hint}"
        raise RefusalError(message, expected=error.expected) from None
    if not text.strip():
        raise ValueError
    return text


def check_redact(value: object) -> bool | tuple[str, ...]:
    """Whether to mask what `match` finds, or which presets to."""
    if isinstance(value, bool):
        return value
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names:
        raise ValueError
    for name in names:
        if not isinstance(name, str) or name not in PRESETS:
            nearest = nearest_name(name, PRESETS) if isinstance(name, str) else ""
            message = f"found {describe(name)}"
            raise RefusalError(message, expected=REDACT, nearest=nearest and quote(nearest))
    return tuple(dict.fromkeys(names))


def check_header(name: str) -> str:
    """The name of a header that a proxy sets."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}", name):
        raise ValueError
    if name.lower() in _OWN_HEADERS:
        message = f"found {describe(name)}, which clients send themselves"
        raise RefusalError(message, expected='a header that only the proxy sets, such as "X-Forwarded-User"')
    return name


def check_proxies(value: object) -> tuple[str, ...]:
    """Peers whose word about their clients is believed."""
    texts = _words(value)
    try:
        Proxies.of(texts)
    except ProxyError as error:
        raise RefusalError(str(error)) from None
    return texts


def check_globs(value: object) -> tuple[str, ...]:
    """Globs over the names of sources, or none."""
    try:
        return tuple(map(check_glob, _words(value)))
    except WrongNameError as error:
        raise RefusalError(str(error)) from None


def _words(value: object) -> tuple[str, ...]:
    """An array of strings; from outside the file it comes as one text, with commas."""
    words = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        raise ValueError
    return tuple(words)
