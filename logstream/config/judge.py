"""Holds TOML tables against the models, and turns what pydantic refuses into problems in our words.

Owns the comparisons between sections (names are unique, a rule has a condition). Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import ValidationError

from logstream.config.problems import Problem, RefusalError, describe, nearest_name, quote, show_key
from logstream.config.sections import OVERRIDABLE, SECTIONS, Tables
from logstream.rules import PatternError, check_pattern, check_redaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from logstream.config.lines import KeyPath
    from logstream.config.overrides import Override
    from logstream.config.tables import Document

_CONDITIONS = ("match", "source", "level", "where")


def judge_tables(document: Document, base: Path) -> tuple[Tables | None, tuple[Problem, ...]]:
    """The file's tables as models, or every problem in them. Relative paths start from `base`."""
    tables = None
    found: list[tuple[KeyPath, Problem]] = []
    # A section that is not there is one without keys: its defaults, too, are paths that start from `base`.
    whole = {**{section: {} for section in OVERRIDABLE}, **document.tables}
    try:
        tables = Tables.model_validate(whole, context={"base": base})
    except ValidationError as error:
        found += [(path, _problem(details, path, document)) for path, details in _refusals(error)]
    found += _shared_names(document)
    found += _rules_without_condition(document)
    found += _masks_without_a_place(document)
    # Problems read best in the order of the file; those of one line in the order of their keys.
    found.sort(key=lambda pair: (document.line(pair[0]), [str(part) for part in pair[0]]))
    return tables, tuple(problem for _, problem in found)


def judge_override(override: Override, base: Path) -> tuple[object, tuple[Problem, ...]]:
    """The value that `override` gives its key, or the problem with it."""
    model = OVERRIDABLE[override.section]
    try:
        section = model.model_validate_strings({override.key: override.text}, context={"base": base})
    except ValidationError as error:
        path = (override.section, override.key)
        return None, tuple(
            _told(details, path, override.place, f"{override.section}.{override.key}") for details in error.errors()
        )
    return getattr(section, override.key), ()


def _refusals(error: ValidationError) -> Iterator[tuple[KeyPath, ErrorDetails]]:
    """Each refusal with the path of its key, without those that only follow from a refused item."""
    refusals = [(_key_path(details["loc"]), details) for details in error.errors(include_url=False)]
    inner = {path[:-1] for path, _ in refusals}
    for path, details in refusals:
        if path not in inner:
            yield path, details


def _key_path(location: tuple[int | str, ...]) -> KeyPath:
    """The path without the "[key]" that pydantic adds when it refuses a key of a table."""
    return location[:-1] if location[-1] == "[key]" and len(location) > 1 else location


def _problem(details: ErrorDetails, path: KeyPath, document: Document) -> Problem:
    return _told(details, path, document.place(path), show_path(path, document.tables))


def _told(details: ErrorDetails, path: KeyPath, place: str, key: str) -> Problem:
    expected = _expectation(path)
    match details["type"]:
        case "extra_forbidden":
            known, nearest = _known_names(path)
            return Problem(place, key, "unknown key", "" if nearest else f"one of {', '.join(known)}", nearest)
        case "missing":
            return Problem(place, key, "missing", expected)
        case "literal_error":
            choices = re.findall(r"'([^']*)'", details["ctx"]["expected"])
            found = details["input"]
            nearest = nearest_name(found, choices) if isinstance(found, str) else ""
            return Problem(place, key, f"found {describe(found)}", expected, nearest and quote(nearest))
        case "value_error" if isinstance(refusal := details["ctx"]["error"], RefusalError):
            return Problem(place, key, refusal.message, refusal.expected, refusal.nearest)
        case _:
            return Problem(place, key, f"found {describe(details['input'])}", expected)


def _expectation(path: KeyPath) -> str:
    """What the models say is expected at `path`."""
    field = Tables.model_fields[str(path[0])] if path[0] in SECTIONS else None
    rest = path[1:]
    if field is not None and path[0] in SECTIONS and any(isinstance(part, str) for part in rest):
        keys = [part for part in rest if isinstance(part, str)]
        field = SECTIONS[str(path[0])].model_fields.get(keys[0])
        rest = rest[rest.index(keys[0]) + 1 :]
    if field is None:
        return ""
    extra = field.json_schema_extra
    return str(extra["each"]) if rest and isinstance(extra, dict) else field.description or ""


def _known_names(path: KeyPath) -> tuple[tuple[str, ...], str]:
    """The keys allowed where `path` is, and the one that was probably meant, perhaps of another section."""
    name = str(path[-1])
    if len(path) == 1:
        return tuple(SECTIONS), nearest_name(name, SECTIONS)
    section = str(path[0])
    known = tuple(SECTIONS[section].model_fields)
    elsewhere = [f"{other}.{name}" for other, model in SECTIONS.items() if name in model.model_fields]
    return known, nearest_name(name, known) or (elsewhere[0] if elsewhere else "")


def show_path(path: KeyPath, tables: object) -> str:
    """`path` for people: `source[nginx].paths[2]`; tables go by their name, items and nameless tables count from 1."""
    shown = ""
    at = tables
    for part in path:
        if isinstance(part, int):
            at = at[part] if isinstance(at, list) and part < len(at) else None
            name = at.get("name") if isinstance(at, dict) else None
            shown += f"[{show_key(name)}]" if isinstance(name, str) and name else f"[{part + 1}]"
        else:
            at = at.get(part) if isinstance(at, dict) else None
            shown += f".{show_key(part)}" if shown else show_key(part)
    return shown


def _items(document: Document, section: str) -> Iterator[tuple[int, dict[str, object]]]:
    tables = document.tables.get(section)
    if isinstance(tables, list):
        yield from ((index, table) for index, table in enumerate(tables) if isinstance(table, dict))


def _shared_names(document: Document) -> Iterable[tuple[KeyPath, Problem]]:
    for section in ("source", "rule"):
        first: dict[str, int] = {}
        for index, table in _items(document, section):
            name = table.get("name")
            if not isinstance(name, str):
                continue
            if first.setdefault(name, index) == index:
                continue
            path = (section, index, "name")
            line = document.line((section, first[name], "name"))
            message = f"{quote(name)} is the name of the {section} on line {line} already"
            yield path, Problem(document.place(path), f"{section}[{index + 1}].name", message, "a name of its own")


def _rules_without_condition(document: Document) -> Iterable[tuple[KeyPath, Problem]]:
    for index, table in _items(document, "rule"):
        if not any(condition in table for condition in _CONDITIONS) and isinstance(table.get("redact", False), bool):
            path = ("rule", index)
            key = show_path(path, document.tables)
            yield path, Problem(document.place(path), key, "holds for every line", f"one of {', '.join(_CONDITIONS)}")


def _masks_without_a_place(document: Document) -> Iterable[tuple[KeyPath, Problem]]:
    """Rules that mask what their pattern finds: there must be one, and its place in a line must be known."""
    for index, table in _items(document, "rule"):
        if table.get("redact") is not True:
            continue
        match = table.get("match")
        path: KeyPath = ("rule", index, "redact" if match is None else "match")
        told = document.place(path), show_path(path, document.tables)
        if match is None:
            yield path, Problem(*told, "masks what `match` finds, and there is none", "`match`, or presets")
        elif isinstance(match, str) and _is_pattern(match):
            try:
                check_redaction(match)
            except PatternError as error:
                yield path, Problem(*told, error.reason)


def _is_pattern(text: str) -> bool:
    try:
        check_pattern(text)
    except PatternError:
        return False  # which is a problem of its own, told already
    return True
