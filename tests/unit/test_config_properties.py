"""Whatever a configuration holds, the answer is settings or problems: never a crash, never neither."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from logstream.config import ConfigError, Problem, Settings, load
from logstream.config.judge import judge_tables
from logstream.config.sections import OVERRIDABLE, SECTIONS
from logstream.config.tables import Document
from logstream.tail.globs import is_matched

SHIPPED = (Path(__file__).parents[2] / "config.toml").read_text()

VARIABLES = [
    f"LOGSTREAM_{section}__{key}".upper() for section, model in OVERRIDABLE.items() for key in model.model_fields
]
known_keys = sorted({key for model in SECTIONS.values() for key in model.model_fields})
known_texts = [
    "web",
    "a.log",
    "(a",
    "utf-16",
    "utf-8",
    ">=warn",
    "error",
    "drop",
    "json",
    "\0",
    "~x/y",
    "::1",
    "/a",
    "",
]
keys = st.sampled_from(known_keys) | st.text(max_size=5)
values = st.recursive(
    st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(known_texts)
    | st.text(max_size=8)
    | st.dates()
    | st.times(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
sections = st.dictionaries(keys, values, max_size=6)
tables = st.fixed_dictionaries(
    {},
    optional={
        "server": sections | values,
        "state": sections | values,
        "stream": sections | values,
        "source": st.lists(sections | values, max_size=3) | values,
        "rule": st.lists(sections | values, max_size=3) | values,
        "other": values,
    },
)


@given(tables)
@example({"source": [{"name": "a", "paths": ["/x"]}], "rule": [{"name": "r", "match": "x"}]})
@example({"source": [{"name": "a", "paths": ["/x"], "labels": {"": 1, "[key]": "x"}}]})
def test_any_tables_are_either_taken_or_told_what_is_wrong(toml: dict[str, object]) -> None:
    accepted, problems = judge_tables(Document("config.toml", toml, {}), Path("/base"))
    assert accepted is not None or problems
    for problem in problems:
        assert problem.place == "config.toml"
        assert problem.key
        assert problem.message
        assert str(problem).isprintable()


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    """The shipped file with pieces cut out, doubled, moved or overwritten."""
    content = SHIPPED.encode()
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        piece = content[start : start + draw(st.integers(0, 40))]
        kind = draw(st.sampled_from(["cut", "double", "overwrite"]))
        middle = {"cut": b"", "double": piece * 2, "overwrite": draw(st.binary(max_size=6))}[kind]
        content = content[:start] + middle + content[start + len(piece) :]
    return content


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("properties") / "config.toml"


def answer(file: Path, environ: dict[str, str]) -> tuple[Settings | None, tuple[Problem, ...]]:
    try:
        return load(file, environ), ()
    except ConfigError as error:
        return None, error.problems


@given(content=damaged_files() | st.binary(max_size=60))
def test_any_file_is_either_taken_or_told_what_is_wrong(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    taken, problems = answer(file, {})
    assert taken is not None or problems
    for problem in problems:
        assert problem.place.startswith(str(file))
        assert str(problem).isprintable()


@given(
    st.dictionaries(st.text(max_size=12).map("LOGSTREAM_{}".format) | st.sampled_from(VARIABLES), st.text(max_size=8))
)
@example({"LOGSTREAM_ACCESS__USERS_FILE": "0"})
@example({"LOGSTREAM_ACCESS__USERS_FILE": "/"})
@example({"LOGSTREAM_ACCESS__TRUSTED_HEADER": "X-User"})
def test_any_environment_is_either_taken_or_told_what_is_wrong(file: Path, environ: dict[str, str]) -> None:
    file.write_text("")
    taken, problems = answer(file, environ)
    assert taken is not None or problems
    assert {problem.place for problem in problems} <= {f"environment {variable}" for variable in environ}


@given(st.text(st.sampled_from("[]!-az*?/.^\\\\&~|\n~") | st.characters(), max_size=10))
@example("[z-a]")
@example("[]")
@example("[!]")
@example("[a--]")
def test_every_glob_that_is_taken_is_one_that_tail_can_search_for(file: Path, pattern: str) -> None:
    quoted = json.dumps(pattern.replace("\x7f", ""))
    file.write_text(f"[[source]]\nname = 'a'\npaths = [{quoted}]\nexclude = [{quoted}]", "utf-8")
    taken, _ = answer(file, {})
    if taken is not None:
        is_matched("/var/log/a.log", taken.sources[0].paths, taken.sources[0].exclude)
