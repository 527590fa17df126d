"""Lines as a whole: formats, JSON objects, and text of any kind."""

from __future__ import annotations

from datetime import UTC, date, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstream.parse import FORMATS, Clock, Parsed, parse_line
from logstream.records import Level

CLOCK = Clock(UTC, lambda: date(2026, 11, 23))


def parsed(text: str, *, as_format: str = "auto") -> Parsed:
    return parse_line(text, format=as_format, clock=CLOCK)


def test_a_json_object_gives_time_level_and_fields() -> None:
    line = '{"level":30,"time":1700000000123,"msg":"x","nested":{"a":[1,null]}}'

    assert parsed(line) == Parsed("2023-11-14T22:13:20.123Z", Level.INFO, orjson.loads(line), "json")


def test_auto_decides_for_each_line() -> None:
    assert parsed('{"level":"warn"}').level is Level.WARN
    assert parsed("ERROR x") == Parsed(None, Level.ERROR, None)


def test_json_reads_what_is_no_object_as_plain_text() -> None:
    assert parsed("ERROR x", as_format="json").level is Level.ERROR


def test_plain_does_not_look_into_objects() -> None:
    assert parsed('{"level":"warn"}', as_format="plain") == Parsed(None, None, None)


@pytest.mark.parametrize("text", ['{"a":1', '{"a":1} x', '["a"]', '{"a":NaN}', "{}x}", "{", "}", '{"a":"\\ud800"}'])
def test_what_is_no_object_as_a_whole_has_no_fields(text: str) -> None:
    assert parsed(text).fields is None


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ('"2026-11-23T16:04:01.5+01:00"', "2026-11-23T16:04:01.5+01:00"),
        ('"2026-11-23 16:04:01"', "2026-11-23T16:04:01+00:00"),
        ('"10/Oct/2000:13:55:36 +0000"', "2000-10-10T13:55:36+00:00"),
        ("1700000000", "2023-11-14T22:13:20Z"),
        ("1700000000.25", "2023-11-14T22:13:20.250000Z"),
        ("1700000000123", "2023-11-14T22:13:20.123Z"),
        ("1700000000123.5", "2023-11-14T22:13:20.123500Z"),
        ("1700000000123456", "2023-11-14T22:13:20.123456Z"),
        ("1700000000123456789", "2023-11-14T22:13:20.123456789Z"),
        ("12.5", None),
        ("-1700000000", None),
        ("0", None),
        ("1e400", None),
        ("99999999999999999999999999", None),
        ("true", None),
        ("null", None),
        ("[1700000000]", None),
        ('"yesterday"', None),
    ],
)
def test_epoch_numbers_tell_their_unit_by_their_size(value: str, time: str | None) -> None:
    assert parsed(f'{{"time":{value}}}').time == time


@pytest.mark.parametrize("key", ["time", "timestamp", "ts", "@timestamp", "t", "date", "@t"])
def test_the_time_is_found_under_the_keys_that_loggers_use(key: str) -> None:
    assert parsed(f'{{"{key}":1700000000}}').time == "2023-11-14T22:13:20Z"


@pytest.mark.parametrize("key", ["level", "lvl", "severity", "log.level", "levelname", "@l"])
def test_the_level_is_found_under_the_keys_that_loggers_use(key: str) -> None:
    assert parsed(f'{{"{key}":"Error"}}').level is Level.ERROR


@pytest.mark.parametrize(
    ("value", "level"),
    [
        ("10", Level.TRACE),
        ("20", Level.DEBUG),
        ("35", Level.INFO),
        ("40", Level.WARN),
        ("50", Level.ERROR),
        ("60", Level.FATAL),
        ('" WARNING "', Level.WARN),
        ('"Information"', Level.INFO),
        ('"dpanic"', Level.FATAL),
        ("5", None),
        ("70", None),
        ("true", None),
        ("30.5", None),
        ('"loud"', None),
        ("{}", None),
    ],
)
def test_levels_in_fields_are_words_or_numbers(value: str, level: Level | None) -> None:
    assert parsed(f'{{"level":{value}}}').level is level


def test_a_key_that_holds_no_time_or_level_leaves_the_question_to_the_next() -> None:
    line = parsed('{"time":"soon","ts":1700000000,"level":"loud","severity":"INFO"}')

    assert (line.time, line.level) == ("2023-11-14T22:13:20Z", Level.INFO)


def test_a_level_within_log_is_found() -> None:
    assert parsed('{"log":{"level":"error"}}').level is Level.ERROR
    assert parsed('{"log":"level"}').level is None


def test_fields_too_deep_to_be_written_again_are_left_out_and_the_rest_is_kept() -> None:
    deep = '{"level":"warn","a":' + "[" * 300 + "]" * 300 + "}"
    flat = '{"level":"warn","a":[' + ",".join(["[]"] * 300) + "]}"

    assert parsed(deep) == Parsed(None, Level.WARN, None, "json")
    assert parsed(flat).fields == orjson.loads(flat)


@pytest.mark.parametrize(
    "text",
    [
        "{" * 100_000 + "}",
        '{"a":' * 2000 + "1" + "}" * 2000,
        "{" + ",".join(f'"k{number}":{number}' for number in range(10_000)) + "}",
        '{"a":123456789012345678901234567890,"ts":' + "9" * 400 + "}",
        '{"level":"\ud800"}',
    ],
)
def test_huge_and_broken_objects_do_not_raise(text: str) -> None:
    parsed(text)


pieces = st.sampled_from(
    [
        *(
            "2026-11-23",
            "0000-00-00",
            "9999-12-31",
            "T",
            " ",
            "16:04:01",
            "99:99:99",
            ".5",
            ",",
            "Z",
            "+01:00",
            "-9999",
        ),
        *(
            "[",
            "Nov 23 ",
            "Feb 29 ",
            "<34>",
            "10/Oct/2000:",
            " +0000]",
            "ERROR",
            "error: ",
            "level=",
            "warn",
            "1e9",
            "}",
        ),
        *(
            '{"ts":',
            '"',
            ":",
            "\0",
            "\r",
            "\u2028",
            "\ud800",
            "\u0663",
            "{",
            '{"level":',
            "[[",
            "1700000000",
            '"time":',
        ),
    ]
)
any_text = st.one_of(
    st.text(st.characters()),
    st.lists(pieces, max_size=8).map("".join),
    st.dictionaries(
        st.sampled_from(["time", "ts", "level", "log", "a"]),
        st.recursive(st.one_of(st.none(), st.integers(-(10**30), 10**30), st.floats(), pieces), st.lists),
    ).map(lambda fields: str(fields).replace("'", '"')),
)
clocks = st.builds(Clock, st.one_of(st.none(), st.timezones()), st.dates().map(lambda day: lambda: day))


@given(any_text, st.sampled_from(FORMATS), clocks)
def test_any_text_is_parsed_and_its_time_has_an_offset(text: str, as_format: str, clock: Clock) -> None:
    found = parse_line(text, format=as_format, clock=clock)

    if found.time is not None:
        assert datetime.fromisoformat(found.time).utcoffset() is not None
    if found.fields is not None:
        orjson.dumps(found.fields)
