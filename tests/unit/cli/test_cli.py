"""The commands as a shell sees them: words on two streams, and an exit code."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import click
import pytest

from logstream import __version__
from logstream.cli import cli, main
from logstream.errors import LogstreamError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from logstream.config import Settings

ROOT = Path(__file__).parents[3]
GOOD = "[[source]]\nname = 'web'\npaths = ['*.log', 'old/*.log']\n[[rule]]\nname = 'r'\nmatch = 'x'\n"


@pytest.fixture(autouse=True)
def _in_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in [name for name in os.environ if name.startswith("LOGSTREAM_") or name == "NO_COLOR"]:
        monkeypatch.delenv(variable)
    (tmp_path / "config.toml").write_text(GOOD)
    (tmp_path / "web.log").touch()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., int]], None]:
    """Puts a function in the place of the server that `serve` starts."""

    def put(run: Callable[..., int]) -> None:
        module = ModuleType("logstream.server")
        vars(module)["run"] = run
        monkeypatch.setitem(sys.modules, "logstream.server", module)

    return put


def shell(
    *arguments: str, stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE, **variables: str
) -> subprocess.CompletedProcess[bytes]:
    """`python -m logstream` in a process of its own."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, "-m", "logstream", *arguments]
    return subprocess.run(command, env=environ, check=False, timeout=30, stdout=stdout, stderr=stderr)


def test_check_says_what_would_be_watched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    out, err = capsys.readouterr()
    width = len(f"{tmp_path}/old/*.log")
    assert out == (
        "config.toml: ok: 1 source, 1 rule\n"
        "\n"
        "source web: 1 file, format auto, from the start\n"
        f"  {f'{tmp_path}/*.log':<{width}}  1 file\n"
        f"  {tmp_path}/old/*.log  0 files\n"
    )
    assert err == ""


def test_check_tells_every_mistake_on_stderr_and_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.toml").write_text("[stream]\nheartbeat_second = 3\nretry_ms = 1.5\n")
    assert main(["check", "--config", "bad.toml"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "bad.toml:2: stream.heartbeat_second: unknown key (did you mean heartbeat_seconds?)\n"
        "bad.toml:3: stream.retry_ms: found the float 1.5, expected a whole number of milliseconds from 100 to 600000\n"
        "error: 2 mistakes in the configuration; nothing was started\n"
    )


def test_warnings_go_to_stderr_and_are_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty.toml").touch()
    assert main(["check", "--config", "empty.toml"]) == 0
    out, err = capsys.readouterr()
    assert out == "empty.toml: ok: 0 sources, 0 rules, 1 warning\n"
    assert err == "warning: empty.toml: source: no source is configured, so nothing will be watched\n"


def test_the_environment_names_the_file_and_an_option_wins(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGSTREAM_CONFIG", "other.toml")
    assert main(["check"]) == 2
    assert capsys.readouterr().err.startswith("other.toml: no such file")
    assert main(["check", "--config", "config.toml"]) == 0


def test_the_environment_overrides_a_setting_and_its_mistakes_are_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGSTREAM_SERVER__PORT", "http")
    assert main(["check"]) == 2
    assert capsys.readouterr().err.startswith("environment LOGSTREAM_SERVER__PORT: server.port: found the string")


def test_the_shipped_configuration_passes_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--config", str(ROOT / "config.toml")]) == 0
    assert "1 source, 3 rules" in capsys.readouterr().out


def test_serve_starts_the_server_on_the_settings_and_returns_its_code(
    served: Callable[[Callable[..., int]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Settings] = []

    def run(settings: Settings, reload: Callable[[], Settings]) -> int:
        Path("config.toml").write_text("[stream]\nretry_ms = 500")
        seen.extend([settings, reload()])
        return 7

    served(run)
    monkeypatch.setenv("LOGSTREAM_SERVER__PORT", "1")
    assert main(["serve", "--port", "9000", "--host", "::1"]) == 7
    assert [(each.server.host, each.server.port, each.stream.retry_ms) for each in seen] == [
        ("::1", 9000, 3000),
        ("::1", 9000, 500),
    ]


def test_serve_starts_nothing_on_a_bad_configuration(
    served: Callable[[Callable[..., int]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    served(lambda *_: pytest.fail("the server was started"))
    assert main(["serve", "--port", "http"]) == 2
    assert capsys.readouterr().err == (
        '--port: server.port: found the string "http", expected a whole number from 0 (any free port) to 65535\n'
        "error: 1 mistake in the configuration; nothing was started\n"
    )
    assert gc.isenabled(), "off while modules are read, and no longer"


@pytest.mark.parametrize(("error", "code"), [(LogstreamError("port taken"), 1), (UsageError("port taken"), 2)])
def test_what_the_server_cannot_do_is_one_line_and_an_exit_code(
    error: LogstreamError,
    code: int,
    served: Callable[[Callable[..., int]], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(*_: object) -> int:
        raise error

    served(run)
    assert main(["serve"]) == code
    assert capsys.readouterr().err == "error: port taken\n"


def test_an_interrupt_exits_130_without_a_traceback(
    served: Callable[[Callable[..., int]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*_: object) -> int:
        raise KeyboardInterrupt

    served(run)
    assert main(["serve"]) == 130
    assert capsys.readouterr().err.strip() == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["chekc"], "Did you mean 'check'?"),
        (["check", "--confg", "x"], "No such option '--confg'. Did you mean '--config'?"),
        (["check", "extra"], "Got unexpected extra argument (extra)"),
        ([], "Usage: logstream [OPTIONS] COMMAND [ARGS]..."),
    ],
)
def test_wrong_usage_exits_2_with_a_hint(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert told in capsys.readouterr().err


def commands(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of each command below `group`, at any depth."""
    for name, command in group.commands.items():
        yield (*before, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))


@pytest.mark.parametrize("words", [(), *commands(cli)], ids=" ".join)
def test_each_help_teaches_by_example_and_names_exit_codes_and_the_next_step(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--help"]) == 0
    examples = capsys.readouterr().out.partition("Examples:")[2]
    for part in (" ".join(("logstream", *words)), "Exit codes:", "Next:"):
        assert part in examples


def test_help_has_a_short_name() -> None:
    assert main(["-h"]) == 0


def test_help_answers_before_anything_heavy_is_imported() -> None:
    program = "import sys, logstream.cli as c; c.main(['--help']); print(*sys.modules, sep='\\n', file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=True
    )
    assert not {b"pydantic", b"hyperscan", b"quart", b"asyncio", b"httpx", b"orjson"} & set(done.stderr.split())


def test_python_m_logstream_is_the_same_command() -> None:
    done = shell("--version")
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, f"logstream {__version__}\n", b"")
    assert shell("check", "--config", "none.toml").returncode == 2


def test_a_reader_that_goes_away_is_met_with_silence() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = shell("check", stdout=writer)
    finally:
        os.close(writer)
    assert done.stderr == b""
    assert done.returncode == 1


@pytest.mark.parametrize("command", [("check",), ("--help",), ("tail", "web.log", "--no-follow")])
def test_an_output_that_takes_no_more_is_told_in_words(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "web.log").write_text("a line\n")
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        done = shell(*command, stdout=full)
    finally:
        os.close(full)
    assert done.stderr == b"error: the output cannot be written: No space left on device\n"
    assert done.returncode == 1


@pytest.mark.parametrize("command", [("check",), ("--help",), ("tail", "web.log", "--no-follow")])
def test_an_output_that_was_closed_is_met_with_silence(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "web.log").write_text("a line\n")
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    program = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-m", "logstream", *command]
    done = subprocess.run(program, env=environ, check=False, timeout=30, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def test_what_the_output_has_no_character_for_is_written_as_its_number(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(GOOD.replace("'*.log'", "'*.log', '日誌/*.log'"))
    done = shell("check", PYTHONIOENCODING="iso8859-9")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\u65e5\\u8a8c/*.log" in done.stdout


def test_a_path_that_the_systems_encoding_cannot_name_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(GOOD.replace("'*.log'", "'日誌/*.log'"))
    done = shell("check", LC_ALL="POSIX", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.returncode == 2
    assert b"config.toml:3: source[web].paths[1]: found the string" in done.stderr
    assert b"expected a locale of UTF-8 for such names, as with LC_ALL=C.UTF-8" in done.stderr


def terminal_output(*arguments: str) -> bytes:
    """What a terminal is sent, on either stream."""
    master, terminal = os.openpty()
    try:
        shell(*arguments, stdout=terminal, stderr=terminal)
        return os.read(master, 1 << 16)
    finally:
        os.close(terminal)
        os.close(master)


def test_colours_are_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    in_colour, in_red = b"\x1b[32m\x1b[1mok", b"\x1b[31m\x1b[1merror:"
    assert in_colour in terminal_output("check")
    assert in_red in terminal_output("check", "--config", "none.toml")
    assert b"\x1b" not in shell("check").stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert b"\x1b" not in terminal_output("check")
    assert b"\x1b" not in terminal_output("check", "--config", "none.toml")


def test_a_directory_whose_name_is_not_utf_8_is_shown_and_no_crash(tmp_path: Path) -> None:
    strange = tmp_path / os.fsdecode(b"caf\xe9")
    strange.mkdir()
    (strange / "config.toml").write_text(GOOD)
    (strange / "web.log").touch()
    done = shell("check", "--config", os.fsdecode(b"caf\xe9/config.toml"))
    assert done.stderr == b""
    assert done.stdout.decode().splitlines()[0] == "caf\ufffd/config.toml: ok: 1 source, 1 rule"
    assert "1 file" in done.stdout.decode()
