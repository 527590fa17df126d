"""A million pairs of a query and a line: whole blocks, cut anywhere, against one line at a time."""

from __future__ import annotations

import random
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import pytest

from logstream.records import Level
from logstream.rules import compile_query, parse_query
from tests.known_lines import KnownLines
from tests.naive_query import field_holds, time_holds, wild_holds

PAIRS = 1_000_000
LINES_A_BLOCK = 500
BLOCKS = 24
SOURCES = ("web", "db", "worker-1")
EVENTS = ("line", "http-5xx", "slow")
WORDS = ("timeout", "Reset", "GET", "ok", "ä", "Größe", "42", "a*b", "x?y", "-", "user", "connection", "/api/v1")
PATHS = ("status", "took", "user", "http.status", "http.path", "tags", "n", "deep.a.b", "missing")
AMOUNTS = ("500", "499", "250ms", "0.25s", "1", "-3", "1e3", "1KiB", "1024B", "95%", "18446744073709551616", "0.1")
VALUES = (*AMOUNTS, "ad*", "adm?n", "admin", "ADMIN", "eve", "true", "null", "*", "/api/*", "5*", "a b", 'q"t', "a*b")
TIMES = ("2026-11-01", "2026-11-01T10:00", "2026-10-31T23:59", "2026-11-02")
SIGNS = (">=", "<=", ">", "<")


class Line(NamedTuple):
    text: str
    level: Level | None
    event: str
    fields: dict[str, Any] | None
    time_ms: int | None


Tree = tuple[Any, ...]


def a_value(rng: random.Random) -> object:
    numbers = [500, 499, 500.0, 0.1, 250, -3, 2**64, "500", "250ms", "1.5s", "95%", "1024B", "1e3"]
    return rng.choice(
        [
            *numbers,
            "admin",
            "Eve",
            "a*b",
            "a b",
            True,
            False,
            None,
            ["admin", 500],
            [],
            {"x": 1},
            "/api/users",
            'q"t',
            "",
        ]
    )


def some_fields(rng: random.Random) -> dict[str, Any] | None:
    if rng.random() < 0.25:
        return None
    fields: dict[str, Any] = {}
    for path in rng.sample(PATHS[:-1], rng.randint(1, 5)):
        outer, dot, inner = path.partition(".")
        if dot and rng.random() < 0.6 and not isinstance(fields.get(outer), list):
            nested = fields.setdefault(outer, {})
            if isinstance(nested, dict):
                nested[inner] = a_value(rng)
        else:
            fields[path] = [a_value(rng), a_value(rng)] if rng.random() < 0.2 else a_value(rng)
    return fields


def a_line(rng: random.Random) -> Line:
    text = " ".join(rng.choice(WORDS) for _ in range(rng.randint(0, 5)))
    moment = rng.choice([None, 1_793_491_199_999, 1_793_491_200_000, 1_793_527_200_000, 1_793_577_600_000])
    return Line(
        text, rng.choice([None, *Level]), rng.choice(EVENTS), some_fields(rng), moment and moment + rng.randint(-2, 2)
    )


def a_term(rng: random.Random) -> tuple[Tree, str]:  # noqa: PLR0911 - one answer for each kind of term
    """A term and how it is written."""
    match rng.randrange(8):
        case 0 | 1:
            word = rng.choice(WORDS)
            return ("text", word), f'"{word}"'
        case 2:
            pattern = rng.choice(["con*ion", "*eset", "t?me*", r"a\*b", "G?T", "ok*ok", "*", "?", "x??", "gr*e"])
            return ("wild", pattern), pattern
        case 3:
            sign, level = rng.choice([*SIGNS, ""]), rng.choice(list(Level))
            return ("level", sign, level), f"level:{sign}{level.name.lower()}"
        case 4:
            kind, glob = rng.choice([("source", "w*"), ("source", "db"), ("event", "http-*"), ("event", "slow")])
            return (kind, glob), f"{kind}:{glob}"
        case 5:
            sign, text = rng.choice([*SIGNS, ""]), rng.choice(TIMES)
            return ("time", sign or "=", text), f"time:{sign}{text}"
        case 6:
            path, sign, value = rng.choice(PATHS), rng.choice(SIGNS), rng.choice(AMOUNTS)
            return ("field", path, sign, value), f"{path}:{sign}{value}"
    path, value = rng.choice(PATHS), rng.choice(VALUES)
    if rng.random() < 0.3 or set(value) & set(' "'):
        quoted = value.replace('"', '\\"')
        return ("field", path, "=", value), f'{path}:"{quoted}"'
    if value == "*":
        return ("field", path, "*", ""), f"{path}:*"
    return ("field", path, "~" if set(value) & set("*?") else "=", value), f"{path}:{rng.choice(['', '='])}{value}"


def a_query(rng: random.Random, depth: int = 0) -> tuple[Tree, str]:
    kind = rng.random()
    if depth == 3 or kind < 0.4:
        return a_term(rng)
    if kind < 0.55:
        inner, written = a_query(rng, depth + 1)
        return ("not", inner), f"-({written})"
    parts = [a_query(rng, depth + 1) for _ in range(rng.randint(2, 3))]
    joiner = rng.choice([" ", " AND ", " OR "])
    written = joiner.join(f"({part})" for _, part in parts)
    return ("or" if joiner == " OR " else "and", [tree for tree, _ in parts]), written


def naively(tree: Tree, line: Line, source: str) -> bool:  # noqa: C901, PLR0911 - one answer for each kind of term
    match tree:
        case ("not", inner):
            return not naively(inner, line, source)
        case ("and", parts):
            return all(naively(part, line, source) for part in parts)
        case ("or", parts):
            return any(naively(part, line, source) for part in parts)
        case ("text", word):
            return str(word).lower() in line.text.lower()
        case ("wild", pattern):
            return wild_holds(pattern, line.text, whole=False)
        case ("source", glob):
            return fnmatchcase(source, glob)
        case ("event", glob):
            return fnmatchcase(line.event, glob)
        case ("time", sign, text):
            return time_holds(sign, text, line.time_ms)
        case ("field", path, sign, value):
            return field_holds(line.fields, path, sign, value)
        case ("level", sign, level):
            order = -1 if line.level is None else (line.level > level) - (line.level < level)
            return (
                line.level is not None
                and {
                    ">=": order >= 0,
                    "<=": order <= 0,
                    ">": order > 0,
                    "<": order < 0,
                    "": order == 0,
                }[sign]
            )
    raise AssertionError(tree)


def selected(query: str, lines: list[Line], source: str, cuts: list[int]) -> set[int]:
    """What the query selects of the lines, in blocks cut where `cuts` says."""
    compiled = compile_query(parse_query(query))
    found: set[int] = set()
    for start, end in zip([0, *cuts], [*cuts, len(lines)], strict=True):
        part = lines[start:end]
        if not part:
            continue
        text = "\n".join(line.text for line in part).encode()
        ends = [at for at, byte in enumerate(text) if byte == ord("\n")] + [len(text)]
        facts = KnownLines(
            lambda index, part=part: part[index].level,  # type: ignore[misc] # mypy does not infer bound defaults
            lambda index, part=part: part[index].event,  # type: ignore[misc]
            lambda index, part=part: part[index].fields,  # type: ignore[misc]
            lambda index, part=part: part[index].time_ms,  # type: ignore[misc]
        )
        chosen = compiled.select(text, ends, source=source, facts=facts, universe=range(len(part)))
        found.update(start + index for index in chosen)
    return found


@pytest.mark.timeout(300)
def test_a_million_pairs_of_query_and_line_have_the_verdict_of_the_naive_evaluator() -> None:
    rng = random.Random(20261124)
    blocks = [[a_line(rng) for _ in range(LINES_A_BLOCK)] for _ in range(BLOCKS)]
    pairs = hits = 0
    while pairs < PAIRS:
        tree, written = a_query(rng)
        lines, source = rng.choice(blocks), rng.choice(SOURCES)
        cuts = sorted(rng.randint(0, len(lines)) for _ in range(rng.randint(0, 3)))
        found = selected(written, lines, source, cuts)
        expected = {index for index, line in enumerate(lines) if naively(tree, line, source)}
        assert found == expected, (written, source, [lines[index] for index in sorted(found ^ expected)[:3]])
        pairs += len(lines)
        hits += len(found)

    # Verdicts of one kind only would prove little.
    assert PAIRS * 0.2 < hits < PAIRS * 0.8
