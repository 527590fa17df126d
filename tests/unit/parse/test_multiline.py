"""Which lines go on with the record before them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstream.parse import Folding, StartPatternError, check_start, continues, may_continue

BY_SHAPE = Folding()

# Whole stretches of logs; a line that goes on with the one before it stands behind a bar.
STRETCHES = {
    "java": """
2026-11-01 10:00:00,123 ERROR [main] c.e.App - cannot start
|java.lang.IllegalStateException: no port
|\tat com.example.App.start(App.java:42)
|\tat java.base/java.lang.Thread.run(Thread.java:1583)
|Caused by: java.net.BindException: Address already in use
|\tat java.base/sun.nio.ch.Net.bind0(Native Method)
|\t... 12 more
|\tSuppressed: java.lang.Exception: closing
2026-11-01 10:00:01,000 INFO [main] c.e.App - again
""",
    "java without a logger": """
Exception in thread "main" java.lang.NullPointerException
|\tat com.example.Main.main(Main.java:5)
done
""",
    "python": """
ERROR:root:cannot divide
|Traceback (most recent call last):
|  File "app.py", line 3, in <module>
|    1 / 0
|    ~~^~~
|ZeroDivisionError: division by zero
|
|During handling of the above exception, another exception occurred:
|
|Traceback (most recent call last):
|  File "app.py", line 5, in <module>
|    raise requests.exceptions.ConnectTimeout("x")
|requests.exceptions.ConnectTimeout: x
INFO:root:next
""",
    "a python crash behind an ordinary line": """
2026-11-01 10:00:00 INFO started
Traceback (most recent call last):
|  File "app.py", line 3, in <module>
|    main()
|KeyboardInterrupt
""",
    "python exception group": """
ERROR:root:several
|  + Exception Group Traceback (most recent call last):
|  |   File "x.py", line 1, in <module>
|  | ExceptionGroup: two (2 sub-exceptions)
|  +-+---------------- 1 ----------------
|    | ValueError: 1
|    +------------------------------------
""",
    "go": """
2026/11/01 10:00:00 listening
panic: runtime error: index out of range [5] with length 3
|
|goroutine 1 [running]:
|main.(*server).handle(0xc000012345, {0x1, 0x2})
|\t/src/main.go:12 +0x1d
|main.main()
|\t/src/main.go:6 +0x25
|created by main.start in goroutine 1
|\t/src/main.go:3 +0x11
|exit status 2
2026/11/01 10:00:02 listening
""",
    "go signal": """
panic: runtime error: invalid memory address or nil pointer dereference
|[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x45]
|
|goroutine 7 [running]:
|main.f(...)
|\t/src/main.go:9
""",
    "node": """
Error: connect ECONNREFUSED 127.0.0.1:5432
|    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1555:16)
|    at async main (file:///srv/app.js:10:3) {
|  errno: -111,
|  code: 'ECONNREFUSED'
|}
server closed
""",
    "dotnet": """
fail: Microsoft.AspNetCore.Server.Kestrel[13]
|      Connection id "0HM", Request id "0HM:01": An unhandled exception was thrown.
|      System.InvalidOperationException: no
|         at Program.Main() in /src/Program.cs:line 7
|      --- End of inner exception stack trace ---
info: Microsoft.Hosting.Lifetime[0]
""",
    "serilog": """
[10:00:00 ERR] request failed
|System.InvalidOperationException: no
| ---> System.IO.IOException: disk
|   at Program.Main()
|--- End of inner exception stack trace ---
[10:00:01 INF] next
""",
    "php": """
PHP Fatal error: Uncaught Exception: no in /srv/a.php:3
|Stack trace:
|#0 {main}
|  thrown in /srv/a.php on line 3
""",
    "rust": """
thread 'main' panicked at src/main.rs:2:5:
|stack backtrace:
|   0: std::panicking::begin_panic
""",
    "indent": """
config:
|  port: 80
|\tname: x
next: value
""",
    "blank lines between records": """
first

second
""",
    "json": """
{"level":"error","msg":"a"}
{"level":"error","msg":"b"}
""",
    "docker-json": """
{"log":"ERROR cannot start\\n","stream":"stderr","time":"2026-11-01T10:00:00Z"}
|{"log":"\\tat com.example.App.start(App.java:42)\\n","stream":"stderr","time":"2026-11-01T10:00:00Z"}
|{"log":"Caused by: java.io.IOException\\n","stream":"stderr","time":"2026-11-01T10:00:00Z"}
{"log":"INFO next\\n","stream":"stdout","time":"2026-11-01T10:00:00Z"}
""",
    "cri": """
2026-11-01T10:00:00.0Z stderr F ERROR cannot start
|2026-11-01T10:00:00.0Z stderr F \tat com.example.App.start(App.java:42)
2026-11-01T10:00:00.0Z stdout P a long line that the runtime
|2026-11-01T10:00:00.0Z stdout F has cut
2026-11-01T10:00:00.0Z stdout F next
""",
}


@pytest.mark.parametrize("name", STRETCHES)
def test_the_lines_of_a_trace_continue_its_first_line_and_no_others_do(name: str) -> None:
    written = STRETCHES[name].strip("\n").split("\n")
    lines = [line.removeprefix("|") for line in written]
    found = [continues(line, before, BY_SHAPE) for before, line in zip([None, *lines], lines, strict=False)]
    assert [("|" if is_cont else "") + line for is_cont, line in zip(found, lines, strict=True)] == written


def test_nothing_continues_where_there_is_no_line_before() -> None:
    assert not continues("  at x", None, BY_SHAPE)
    assert not continues("x", None, Folding("^y"))


def test_with_a_start_pattern_each_line_without_it_continues() -> None:
    folding = Folding(r"^\[\d+\]")
    assert not continues("[12] begin", "x", folding)
    assert continues("2026 anything", "x", folding)
    assert not continues("[13] begin", "x", folding)


def test_a_start_pattern_that_cannot_be_used_says_why() -> None:
    with pytest.raises(StartPatternError, match=r"missing \)"):
        check_start("(a")


def test_a_start_pattern_takes_linear_time() -> None:
    # Backtracking engines take longer than the age of the world for this.
    assert continues("a" * 5000 + "!", "x", Folding("^(a+)+$"))


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_raises_and_what_may_not_continue_never_does(text: str, before: str) -> None:
    if continues(text, before, BY_SHAPE):
        assert may_continue(text, BY_SHAPE)


@pytest.mark.parametrize("line", [line.removeprefix("|") for s in STRETCHES.values() for line in s.split("\n")])
@pytest.mark.parametrize(
    "before", ["", " x", "\tat x", "ERROR x", "goroutine 1 [running]:", "panic: x", "Caused by: x"]
)
def test_what_may_not_continue_does_not_behind_any_line(line: str, before: str) -> None:
    assert may_continue(line, BY_SHAPE) or not continues(line, before, BY_SHAPE)
