"""Each way in which a configuration can be wrong, with the very words that answer it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from logstream.config import ConfigError, Problem, load
from logstream.rules import Pattern, PatternError, PatternSet, check_pattern

NAME = "a name: lower-case letters, digits, dots, underscores and hyphens, at most 64, the first a letter or digit"
PORT = "a whole number from 0 (any free port) to 65535"
HOST = "an IP address or a host name without port and brackets"
CODEC = '"utf-8", "utf-16", "utf-16-le", "utf-16-be", or an encoding of one byte a character such as "latin-1"'
LEVELS = "one of trace, debug, info, warn, error, fatal"
REDACT = 'true, false, or presets: "bearer", "card", "email", "url-password"'
RESERVED = "none of batch, bye, error, gap, hello, message, open, ping, reset, rotated, source"
SOURCE = '[[source]]\nname = "web"\npaths = ["web.log"]\n'
RULE = '[[rule]]\nname = "r"\nmatch = "x"\n'


@pytest.fixture(autouse=True)
def _in_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def mistakes(content: str | bytes, environ: dict[str, str] | None = None) -> list[str]:
    file = Path("config.toml")
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as caught:
        load(file, environ or {})
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return [str(problem).removeprefix("config.toml:") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        # Unknown keys.
        ("[stream]\nheartbeat_second = 3", "2: stream.heartbeat_second: unknown key (did you mean heartbeat_seconds?)"),
        ("[server]\nPort = 3", "2: server.Port: unknown key (did you mean port?)"),
        ("[stream]\nRETRY-MS = 3", "2: stream.RETRY-MS: unknown key (did you mean retry_ms?)"),
        ("[server]\nretry_ms = 3", "2: server.retry_ms: unknown key (did you mean stream.retry_ms?)"),
        (
            "[server]\nzzz = 3",
            "2: server.zzz: unknown key, expected one of host, port, unix_socket, root_path, allow_anonymous, workers",
        ),
        ("\n[sorce]", "2: sorce: unknown key (did you mean source?)"),
        ("[[sources]]", "1: sources: unknown key (did you mean source?)"),
        ("zzz = 1", "1: zzz: unknown key, expected one of server, state, stream, access, source, rule"),
        (
            '"\\u001b[31m" = 1',
            '1: "\\x1b[31m": unknown key, expected one of server, state, stream, access, source, rule',
        ),
        (
            SOURCE + "hartbeat = 1",
            (
                "4: source[web].hartbeat: unknown key, expected one of name, paths, exclude, format, "
                "encoding, multiline, start, max_line_bytes, labels"
            ),
        ),
        (SOURCE + "path = 1", "4: source[web].path: unknown key (did you mean paths?)"),
        (RULE + "actoin = 1", "4: rule[r].actoin: unknown key (did you mean action?)"),
        # Wrong types: nothing is converted, but a whole number is a number.
        ('[server]\nport = "8780"', f'2: server.port: found the string "8780", expected {PORT}'),
        ("[server]\nport = true", f"2: server.port: found the boolean true, expected {PORT}"),
        ("[server]\nport = 1.5", f"2: server.port: found the float 1.5, expected {PORT}"),
        ("[server]\nhost = 1979-05-27", f"2: server.host: found a date or time, expected {HOST}"),
        ("[state]\ndir = 1", "2: state.dir: found the integer 1, expected the path of a directory, as a string"),
        ("server = 5", "1: server: found the integer 5, expected a table: [server]"),
        ("[source]", "1: source: found a table, expected an array of tables, each begun by [[source]]"),
        ("rule = [1]", "1: rule[1]: found the integer 1, expected a table"),
        (
            SOURCE + 'multiline = "no"',
            (
                '4: source[web].multiline: found the string "no", '
                "expected true, false, or a regular expression that first lines match, as a string"
            ),
        ),
        (SOURCE + "labels = 1", "4: source[web].labels: found the integer 1, expected a table of strings"),
        (SOURCE + "labels.a = 1", "4: source[web].labels.a: found the integer 1, expected a string"),
        # Out of range.
        ("[server]\nport = 65536", f"2: server.port: found the integer 65536, expected {PORT}"),
        ("[server]\nport = -1", f"2: server.port: found the integer -1, expected {PORT}"),
        (f"[server]\nport = {10**40}", f"2: server.port: found an integer beyond 64 bits, expected {PORT}"),
        (
            "[stream]\nheartbeat_seconds = 0",
            "2: stream.heartbeat_seconds: found the integer 0, expected a number of seconds from 0.1 to 3600",
        ),
        (
            "[stream]\nheartbeat_seconds = nan",
            "2: stream.heartbeat_seconds: found the float nan, expected a number of seconds from 0.1 to 3600",
        ),
        (
            "[stream]\nretry_ms = 99",
            "2: stream.retry_ms: found the integer 99, expected a whole number of milliseconds from 100 to 600000",
        ),
        (
            "[stream]\nmax_connections = 0",
            "2: stream.max_connections: found the integer 0, expected a whole number from 1 to 1000000",
        ),
        (
            SOURCE + "max_line_bytes = 255",
            "4: source[web].max_line_bytes: found the integer 255, expected a whole number of bytes from 256 to 65536",
        ),
        (
            SOURCE + "max_line_bytes = 65537",
            (
                "4: source[web].max_line_bytes: found the integer 65537, "
                "expected a whole number of bytes from 256 to 65536"
            ),
        ),
        # Values that are none of the known ones.
        (
            '[state]\ndurability = "ful"',
            '2: state.durability: found the string "ful", expected "process" or "full" (did you mean "full"?)',
        ),
        (
            SOURCE + 'format = "logfnt"',
            (
                '4: source[web].format: found the string "logfnt", expected one of "auto", "plain", "json", "logfmt", '
                '"access", "nginx-error", "apache-error", "syslog", "docker-json", "cri", "journald", "klog", '
                '"python", "log4j", "postgres" (did you mean "logfmt"?)'
            ),
        ),
        (
            SOURCE + 'start = "ende"',
            '4: source[web].start: found the string "ende", expected "start" or "end" (did you mean "end"?)',
        ),
        (RULE + 'action = "delete"', '4: rule[r].action: found the string "delete", expected "tag", "drop" or "keep"'),
        (
            RULE + 'highlight = "gren"',
            (
                '4: rule[r].highlight: found the string "gren", expected a colour: red, orange, '
                'yellow, green, cyan, blue, purple or grey (did you mean "green"?)'
            ),
        ),
        (
            RULE + 'set_level = "warning"',
            f'4: rule[r].set_level: found the string "warning", expected {LEVELS} (did you mean "warn"?)',
        ),
        (RULE + "set_level = 40", f"4: rule[r].set_level: found the integer 40, expected {LEVELS}"),
        (
            RULE + 'level = ">=warning"',
            (
                '4: rule[r].level: found the string ">=warning", expected a level such as '
                f'"error", ">=warn" or "<info" ({LEVELS}) (did you mean ">=warn"?)'
            ),
        ),
        (
            RULE + 'level = ""',
            f'4: rule[r].level: found the string "", expected a level such as "error", ">=warn" or "<info" ({LEVELS})',
        ),
        # Addresses and paths.
        ('[server]\nhost = ""', f'2: server.host: found the string "", expected {HOST}'),
        ('[server]\nhost = "[::1]"', f'2: server.host: found the string "[::1]", expected {HOST}'),
        ('[server]\nhost = "localhost:80"', f'2: server.host: found the string "localhost:80", expected {HOST}'),
        (
            '[server]\nroot_path = "logs/"',
            (
                '2: server.root_path: found the string "logs/", '
                'expected a path such as "/logs": a slash first, none at the end'
            ),
        ),
        ('[state]\ndir = ""', '2: state.dir: found the string "", expected the path of a directory, as a string'),
        (
            '[state]\ndir = "a\\u0000b"',
            '2: state.dir: found the string "a\\x00b", expected the path of a directory, as a string',
        ),
        (
            '[state]\ndir = "~nobody-here/x"',
            (
                '2: state.dir: found the string "~nobody-here/x", but the home directory '
                "of ~nobody-here is not known, expected an absolute path"
            ),
        ),
        (
            f'[server]\nunix_socket = "/{"s" * 107}"',
            (
                f'2: server.unix_socket: the path "/{"s" * 56}..." is 108 bytes '
                "long, expected at most 107 bytes, the system's limit for sockets"
            ),
        ),
        # Sources.
        ('[[source]]\npaths = ["x"]', f"1: source[1].name: missing, expected {NAME}"),
        ('[[source]]\nname = "web"', "1: source[web].paths: missing, expected an array of one or more paths or globs"),
        ('[[source]]\nname = "Web"\npaths = ["x"]', f'2: source[Web].name: found the string "Web", expected {NAME}'),
        (
            f'[[source]]\nname = "{"a" * 65}"\npaths = ["x"]',
            f'2: source["{"a" * 57}..."].name: found the string "{"a" * 57}...", expected {NAME}',
        ),
        (
            '[[source]]\nname = "web\\n"\npaths = ["x"]',
            f'2: source["web\\n"].name: found the string "web\\n", expected {NAME}',
        ),
        (
            '[[source]]\nname = "web"\npaths = []',
            "3: source[web].paths: found an empty array, expected an array of one or more paths or globs",
        ),
        (
            '[[source]]\nname = "web"\npaths = "x"',
            '3: source[web].paths: found the string "x", expected an array of one or more paths or globs',
        ),
        (
            '[[source]]\nname = "web"\npaths = [\n  "x",\n  7]',
            "5: source[web].paths[2]: found the integer 7, expected a path or glob, as a string",
        ),
        (SOURCE + 'exclude = [""]', '4: source[web].exclude[1]: found the string "", expected a glob, as a string'),
        (SOURCE + 'encoding = "UTF_32-le"', f'4: source[web].encoding: "UTF_32-le" is not supported, expected {CODEC}'),
        (SOURCE + 'encoding = "shift_jis"', f'4: source[web].encoding: "shift_jis" is not supported, expected {CODEC}'),
        (SOURCE + 'encoding = "cp500"', f'4: source[web].encoding: "cp500" is not supported, expected {CODEC}'),
        (
            SOURCE + 'encoding = "latin-9000"',
            (
                '4: source[web].encoding: found "latin-9000", which is no known encoding, '
                f"expected {CODEC} (did you mean latin-1?)"
            ),
        ),
        (
            SOURCE + "multiline = '(a'",
            "4: source[web].multiline: '(a' is no regular expression: missing ): (a",
        ),
        (
            SOURCE + 'labels = { "b c" = "x" }',
            (
                '4: source[web].labels."b c": "b c" is not a label name, '
                "expected letters, digits and underscores, at most 64, the first not a digit"
            ),
        ),
        (
            SOURCE + SOURCE,
            '5: source[2].name: "web" is the name of the source on line 2 already, expected a name of its own',
        ),
        (
            SOURCE + 'exclude = ["[z-a]"]',
            '4: source[web].exclude[1]: found the string "[z-a]", expected characters or ranges such as a-z in "[z-a]"',
        ),
        (
            SOURCE + 'exclude = ["[!]"]',
            '4: source[web].exclude[1]: found the string "[!]", expected characters or ranges such as a-z in "[]"',
        ),
        # Rules.
        ('[[rule]]\nname = "r"', "1: rule[r]: holds for every line, expected one of match, source, level, where"),
        ('[[rule]]\nmatch = "x"', f"1: rule[1].name: missing, expected {NAME}"),
        (
            '[[rule]]\nname = "r"\nmatch = ""',
            '3: rule[r].match: found the string "", expected a regular expression, as a string that is not empty',
        ),
        (RULE + RULE, '5: rule[2].name: "r" is the name of the rule on line 2 already, expected a name of its own'),
        (
            RULE + 'source = "a b"',
            (
                '4: rule[r].source: found the string "a b", '
                'expected the name of a source, or a glob over names such as "web-*"'
            ),
        ),
        (
            RULE + 'event = "ping"',
            f'4: rule[r].event: "ping" is an event of the stream itself or of EventSource, expected {RESERVED}',
        ),
        (
            RULE + 'event = "a b"',
            f'4: rule[r].event: found the string "a b", expected {NAME.replace("a name", "an event type")}',
        ),
        (
            RULE + 'redact = "secret"',
            f'4: rule[r].redact: found the string "secret", expected {REDACT}',
        ),
        (
            RULE + 'redact = ["card", "emial"]',
            f'4: rule[r].redact: found the string "emial", expected {REDACT} (did you mean "email"?)',
        ),
        (RULE + "redact = []", f"4: rule[r].redact: found an empty array, expected {REDACT}"),
        (RULE + "redact = 1", f"4: rule[r].redact: found the integer 1, expected {REDACT}"),
        (
            '[[rule]]\nname = "r"\nsource = "web"\nredact = true',
            "4: rule[r].redact: masks what `match` finds, and there is none, expected `match`, or presets",
        ),
        (
            '[[rule]]\nname = "r"\nmatch = "(?x) a # b"\nredact = true',
            "3: rule[r].match: what it finds cannot be masked: invalid perl operator: (?x",
        ),
        (
            RULE + 'where = "timeout ("',
            (
                '4: rule[r].where: column 10 of "timeout (": found the end of the query, '
                'expected a term (word, "phrase", /regex/, key:value, -term or a parenthesis)'
            ),
        ),
        (
            RULE + 'where = " "',
            (
                '4: rule[r].where: found the string " ", expected a query such as "status:>=500 took:>250ms", '
                "as a string that is not empty"
            ),
        ),
    ],
)
def test_a_mistake_is_told_with_line_key_expectation_and_nearest_name(toml: str, told: str) -> None:
    assert mistakes(toml) == [told]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[server", "1: not TOML: Expected ']' at the end of a table declaration at the end of the file"),
        ("[server]\nport = \nhost = 1", "2: not TOML: Invalid value at column 8"),
        ("[server]\n[server]", "2: not TOML: Cannot declare ('server',) twice at column 8"),
        ("a = 1\na = 2\n", "2: not TOML: Cannot overwrite a value at column 6"),
        (b"a = 1\nb = '\xff'", "2: not UTF-8: byte 0xff at offset 11, expected TOML, which is UTF-8"),
        ("a = 1\n".encode("utf-16"), "1: not UTF-8: byte 0xff at offset 0, expected TOML, which is UTF-8"),
        ("a = " + "[" * 5_000 + "]" * 5_000, " arrays or tables are nested too deeply"),
        ("#" * (1 << 20) + "\n", " larger than 1048576 bytes"),
    ],
    ids=["cut off", "no value", "table twice", "key twice", "latin-1", "utf-16", "deep", "large"],
)
def test_a_file_that_is_not_toml_is_told_with_its_line(content: str | bytes, told: str) -> None:
    assert mistakes(content) == [told]


def test_a_number_of_thousands_of_digits_is_a_mistake_and_no_crash() -> None:
    (told,) = mistakes("a = " + "1" * 5_000)
    assert told.startswith(" not TOML that can be used: Exceeds the limit")


@pytest.mark.parametrize(("pattern", "column"), [("(?=x)a", 1), (r"(a)\1", 4), ("[z-a]", 4)])
def test_an_expression_that_does_not_compile_is_told_with_rule_column_and_reason(pattern: str, column: int) -> None:
    with pytest.raises(PatternError) as caught:
        check_pattern(pattern)
    assert mistakes(f"[[rule]]\nname = 'r'\nmatch = '{pattern}'") == [
        f'3: rule[r].match: {caught.value.reason} (column {column} of "{pattern}")'
    ]


def test_an_expression_that_is_too_long_is_told_without_a_column() -> None:
    (told,) = mistakes(f"[[rule]]\nname = 'r'\nmatch = '{'a' * 100_000}'")
    assert told.startswith("3: rule[r].match: it has 100000 characters")


def test_every_mistake_of_a_file_is_told_at_once_in_the_order_of_the_file() -> None:
    toml = """\
[server]
port = "8780"
hots = "x"
[stream]
heartbeat_second = 3
retry_ms = 1
[state]
durability = "ful"
[[source]]
name = "web"
formt = "json"
[[source]]
name = "web"
paths = [1]
[[rule]]
name = "all"
[[rule]]
name = "r"
match = "x"
event = "bye"
"""
    told = mistakes(toml)
    assert [problem.split(": ")[:2] for problem in told] == [
        ["2", "server.port"],
        ["3", "server.hots"],
        ["5", "stream.heartbeat_second"],
        ["6", "stream.retry_ms"],
        ["8", "state.durability"],
        ["9", "source[web].paths"],
        ["11", "source[web].formt"],
        ["13", "source[2].name"],
        ["14", "source[web].paths[1]"],
        ["15", "rule[all]"],
        ["20", "rule[r].event"],
    ]


def test_mistakes_of_file_environment_and_options_are_told_together() -> None:
    told = mistakes("[server]\nport = 70000", {"LOGSTREAM_SERVER__PORT": "8780", "LOGSTREAM_STREAM__RETRY_MS": "soon"})
    assert told == [
        f"2: server.port: found the integer 70000, expected {PORT}",
        (
            'environment LOGSTREAM_STREAM__RETRY_MS: stream.retry_ms: found the string "soon", '
            "expected a whole number of milliseconds from 100 to 600000"
        ),
    ]


def test_a_problem_carries_its_facts() -> None:
    Path("config.toml").write_text("[stream]\nheartbeat_second = 3\n")
    with pytest.raises(ConfigError) as caught:
        load(Path("config.toml"), {})
    assert caught.value.problems == (
        Problem("config.toml:2", "stream.heartbeat_second", "unknown key", "", "heartbeat_seconds"),
    )


def test_a_missing_file_is_told_with_the_way_to_name_another() -> None:
    assert refusal(Path("none.toml")) == "none.toml: no such file; --config or LOGSTREAM_CONFIG names another"


def test_a_directory_is_refused() -> None:
    Path("conf.d").mkdir()
    assert refusal(Path("conf.d")) == "conf.d: a directory, not a file"


def test_a_fifo_is_refused_and_never_waited_for() -> None:
    os.mkfifo("fifo")
    assert refusal(Path("fifo")) == "fifo: not a regular file"


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.touch(0)
    user = os.geteuid()
    os.seteuid(user or 65_534)  # root may read everything
    try:
        assert refusal(file) == f"{file}: cannot be read: Permission denied"
    finally:
        os.seteuid(user)


def test_a_file_under_a_file_is_refused() -> None:
    Path("plain").touch()
    assert refusal(Path("plain/config.toml")) == "plain/config.toml: cannot be read: Not a directory"


def test_a_path_that_no_file_can_have_is_refused() -> None:
    assert refusal(Path("a\0b")) == "a\\x00b: cannot be read: embedded null byte"


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    (problem,) = caught.value.problems
    return str(problem)


def test_each_of_many_mistakes_in_the_rules_is_a_problem_in_the_order_of_the_file() -> None:
    told = mistakes(
        """
        [[rule]]
        name = "Upper"
        match = "(?=x)"
        level = ">=loud"
        action = "hide"
        [[rule]]
        name = "empty"
        [[rule]]
        name = "empty"
        match = ""
        event = "hello"
        set_level = "loud"
        where = "("
        redact = ["pin"]
        """
    )

    assert [line.split(": ", 2)[:2] for line in told] == [
        ["3", "rule[Upper].name"],
        ["4", "rule[Upper].match"],
        ["5", "rule[Upper].level"],
        ["6", "rule[Upper].action"],
        ["7", "rule[empty]"],
        ["10", "rule[3].name"],
        ["11", "rule[empty].match"],
        ["12", "rule[empty].event"],
        ["13", "rule[empty].set_level"],
        ["14", "rule[empty].where"],
        ["15", "rule[empty].redact"],
    ]


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("a" * 100_000, "it has 100000 characters"),
        ("((a{1,900}){1,900}){1,900}", "unfold to"),
        ("(((((x*)*)*)*)*)*(y{2,800}){800}", "unfold to"),
    ],
    ids=["100 KB", "nested counts", "nested stars"],
)
def test_a_pattern_that_would_take_long_to_compile_is_refused_at_once(pattern: str, reason: str) -> None:
    (told,) = mistakes(f"[[rule]]\nname = 'r'\nmatch = '{pattern}'")

    assert told.startswith("3: rule[r].match: ")
    assert reason in told


@pytest.mark.parametrize("pattern", ["x*", "", "()", "^", "$", "a|"])
def test_a_pattern_that_matches_the_empty_string_matches_each_line_or_is_refused(pattern: str) -> None:
    if not pattern:
        assert mistakes("[[rule]]\nname = 'r'\nmatch = ''") == [
            '3: rule[r].match: found the string "", expected a regular expression, as a string that is not empty'
        ]
        return
    text = b"\nplain"
    assert PatternSet([Pattern(pattern)]).scan(text, [0, len(text)]) == [0b11]
