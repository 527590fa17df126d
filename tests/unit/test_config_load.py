"""What a right configuration becomes: frozen, absolute, with the last word for environment and options."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from logstream.config import (
    ConfigError,
    Override,
    RuleSettings,
    ServerSettings,
    Settings,
    SourceSettings,
    StateSettings,
    StreamSettings,
    load,
)
from logstream.records import Level

PORT = "a whole number from 0 (any free port) to 65535"
VARIABLE = "LOGSTREAM_SECTION__KEY with one of the sections server, state, stream, access"


def loaded(directory: Path, toml: str, environ: dict[str, str] | None = None, *options: Override) -> Settings:
    file = directory / "config.toml"
    file.write_text(toml)
    return load(file, environ or {}, options)


def source(directory: Path, keys: str) -> SourceSettings:
    return loaded(directory, f"[[source]]\nname = 'web'\n{keys}").sources[0]


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    assert loaded(tmp_path, "") == Settings(
        server=ServerSettings(host="127.0.0.1", port=8780, unix_socket=None, root_path=""),
        state=StateSettings(dir=tmp_path / ".logstream", durability="process"),
        stream=StreamSettings(
            heartbeat_seconds=15, retry_ms=3000, max_connections=1000, max_connections_per_client=100
        ),
        sources=(),
        rules=(),
        path=tmp_path / "config.toml",
    )


def test_every_key_is_taken(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        r"""
        [server]
        host = "::1"
        port = 0
        unix_socket = "run/s.sock"
        root_path = "/tools/logs"
        [state]
        dir = "/var/lib/logstream"
        durability = "full"
        [stream]
        heartbeat_seconds = 0.5
        retry_ms = 100
        max_connections = 5
        max_connections_per_client = 2
        [[source]]
        name = "web.1"
        paths = ["web.log"]
        exclude = ["*.gz"]
        format = "json"
        encoding = "latin-1"
        multiline = '^\d'
        start = "end"
        max_line_bytes = 256
        labels = { team = "shop" }
        [[rule]]
        name = "slow"
        match = 'took=\d{4,}'
        source = "web*"
        level = ">=warn"
        where = "took"
        action = "keep"
        event = "slow-request"
        set_level = "warn"
        highlight = "orange"
        redact = ["card", "email", "card"]
        """,
    )
    assert settings.server == ServerSettings(
        host="::1", port=0, unix_socket=tmp_path / "run/s.sock", root_path="/tools/logs"
    )
    assert settings.state == StateSettings(dir=Path("/var/lib/logstream"), durability="full")
    assert settings.stream == StreamSettings(
        heartbeat_seconds=0.5, retry_ms=100, max_connections=5, max_connections_per_client=2
    )
    assert settings.sources == (
        SourceSettings(
            name="web.1",
            paths=(f"{tmp_path}/web.log",),
            exclude=("*.gz",),
            format="json",
            encoding="latin-1",
            multiline=r"^\d",
            start="end",
            max_line_bytes=256,
            labels={"team": "shop"},
        ),
    )
    assert settings.rules == (
        RuleSettings(
            name="slow",
            match=r"took=\d{4,}",
            source="web*",
            level=">=warn",
            where="took",
            action="keep",
            event="slow-request",
            set_level=Level.WARN,
            highlight="orange",
            redact=("card", "email"),
        ),
    )


def test_a_whole_number_of_seconds_is_a_number_of_seconds(tmp_path: Path) -> None:
    assert loaded(tmp_path, "[stream]\nheartbeat_seconds = 20").stream.heartbeat_seconds == 20.0


def test_relative_paths_start_from_the_directory_of_the_file_and_not_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "config.toml").write_text(
        "[state]\ndir = '../state'\n[[source]]\nname = 'a'\npaths = ['logs/**/*.log']"
    )
    monkeypatch.chdir(elsewhere)
    settings = load(Path("../config.toml"), {})
    assert settings.state.dir == tmp_path.parent / "state"
    assert settings.sources[0].paths == (f"{tmp_path}/logs/**/*.log",)
    assert settings.path == Path("../config.toml")


def test_a_relative_path_in_the_environment_starts_there_too(tmp_path: Path) -> None:
    assert loaded(tmp_path, "", {"LOGSTREAM_STATE__DIR": "run"}).state.dir == tmp_path / "run"


def test_a_directory_whose_name_looks_like_a_glob_is_meant_by_its_name(tmp_path: Path) -> None:
    strange = tmp_path / "[a]*"
    strange.mkdir()
    assert source(strange, "paths = ['*.log']").paths == (f"{tmp_path}/[[]a][*]/*.log",)


def test_a_tilde_is_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert source(tmp_path, "paths = ['~/logs/*.log']").paths == ("/home/ada/logs/*.log",)
    assert loaded(tmp_path, "[state]\ndir = '~/state'").state.dir == Path("/home/ada/state")


def test_an_exclude_without_a_slash_stays_a_pattern_for_names(tmp_path: Path) -> None:
    given = source(tmp_path, "paths = ['/a']\nexclude = ['*.gz', 'old/*', '/b/**', '[a-c][!d-].1']")
    assert given.exclude == ("*.gz", f"{tmp_path}/old/*", "/b/**", "[a-c][!d-].1")


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("utf-8", "utf-8"),
        ("UTF8", "utf-8"),
        ("UTF16", "utf-16"),
        ("utf_16_le", "utf-16-le"),
        ("UTF-16BE", "utf-16-be"),
        ("latin-1", "iso8859-1"),
        ("cp1252", "cp1252"),
        ("koi8-r", "koi8-r"),
    ],
)
def test_an_encoding_is_kept_under_one_name(given: str, canonical: str, tmp_path: Path) -> None:
    assert source(tmp_path, f"paths = ['/a']\nencoding = '{given}'").encoding == canonical


@pytest.mark.parametrize(
    "codec", ["gbk", "euc_jp", "utf-7", "utf-32", "utf-8-sig", "punycode", "hex", "unicode_escape", "idna"]
)
def test_an_encoding_in_which_a_line_end_can_be_something_else_is_refused(codec: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"source\[web\].encoding"):
        source(tmp_path, f"paths = ['/a']\nencoding = '{codec}'")


@pytest.mark.parametrize("condition", ["error", "=error", ">=warn", "<=info", "<fatal", ">trace"])
def test_a_level_condition_compares_with_a_level(condition: str, tmp_path: Path) -> None:
    assert loaded(tmp_path, f"[[rule]]\nname = 'r'\nlevel = '{condition}'").rules[0].level == condition


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbf[server]\r\nport = 1\r\n")
    assert load(tmp_path / "config.toml", {}).server.port == 1


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "[[source]]\nname = 'a'\npaths = ['/a']\nlabels.team = 'x'")
    with pytest.raises(AttributeError):
        settings.rules = ()  # type: ignore[misc]
    with pytest.raises(ValidationError):
        settings.server.port = 1
    with pytest.raises(TypeError):
        settings.sources[0].labels["team"] = "y"  # type: ignore[index]


def test_the_environment_wins_over_the_file_and_options_over_both(tmp_path: Path) -> None:
    toml = "[server]\nhost = '::1'\nport = 1\n[stream]\nheartbeat_seconds = 1"
    environ = {
        "LOGSTREAM_SERVER__PORT": "2",
        "LOGSTREAM_SERVER__HOST": "localhost",
        "LOGSTREAM_SERVER__UNIX_SOCKET": "/run/s",
        "LOGSTREAM_STREAM__HEARTBEAT_SECONDS": "2.5",
        "LOGSTREAM_STATE__DURABILITY": "full",
        "LOGSTREAM_CONFIG": "another.toml",
        "PATH": "/bin",
    }
    settings = loaded(tmp_path, toml, environ, Override("--port", "server", "port", "3"))
    assert settings.server == ServerSettings(host="localhost", port=3, unix_socket=Path("/run/s"))
    assert settings.stream.heartbeat_seconds == 2.5
    assert settings.state.durability == "full"


@pytest.mark.parametrize(
    ("variable", "text", "told"),
    [
        ("LOGSTREAM_SERVER__PORT", "http", f'server.port: found the string "http", expected {PORT}'),
        ("LOGSTREAM_SERVER__PORT", "", f'server.port: found the string "", expected {PORT}'),
        ("LOGSTREAM_SERVER__PORT", "70000", f'server.port: found the string "70000", expected {PORT}'),
        (
            "LOGSTREAM_STATE__DURABILITY",
            "ful",
            'state.durability: found the string "ful", expected "process" or "full" (did you mean "full"?)',
        ),
        ("LOGSTREAM_SERVER_PORT", "1", "unknown setting (did you mean LOGSTREAM_SERVER__PORT?)"),
        ("LOGSTREAM_server__port", "1", "unknown setting (did you mean LOGSTREAM_SERVER__PORT?)"),
        ("LOGSTREAM_PORT", "1", f"unknown setting, expected {VARIABLE}"),
        ("LOGSTREAM_SOURCE__NAME", "x", f"unknown setting, expected {VARIABLE}"),
    ],
)
def test_a_mistake_in_the_environment_is_told_with_its_variable(
    variable: str, text: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, "", {variable: text})
    assert str(caught.value) == f"environment {variable}: {told}"


def test_variables_that_kubernetes_sets_for_a_service_of_our_name_are_no_mistakes(tmp_path: Path) -> None:
    environ = {
        "LOGSTREAM_PORT": "tcp://10.0.0.1:80",
        "LOGSTREAM_SERVICE_HOST": "10.0.0.1",
        "LOGSTREAM_SERVICE_PORT": "80",
        "LOGSTREAM_SERVICE_PORT_HTTP": "80",
        "LOGSTREAM_PORT_80_TCP": "tcp://10.0.0.1:80",
        "LOGSTREAM_PORT_80_TCP_ADDR": "10.0.0.1",
    }
    assert loaded(tmp_path, "", environ).server.port == 8780


def test_a_mistake_in_an_option_is_told_with_the_option(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, "", {}, Override("--host", "server", "host", "a b"))
    assert str(caught.value).startswith('--host: server.host: found the string "a b", expected an IP address')
