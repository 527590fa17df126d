"""The README's examples, run: commands, the page's script, and the configuration."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from logstream.config import load
from tests.browser.conftest import FLAGS
from tests.running import OWN_EVENTS, SOURCES, Service, running

README = Path(__file__).parents[2] / "README.md"
ADDRESS = "http://127.0.0.1:8780"


def blocks(language: str) -> list[str]:
    """The README's code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)


def test_the_curl_commands_stream_lines(tmp_path: Path) -> None:
    (commands,) = [block for block in blocks("sh") if "curl" in block]
    with running(tmp_path) as service:
        service.write("a.log", "2026-11-23T10:00:00Z ERROR first", "2026-11-23T10:00:01Z WARN healthcheck")
        service.wait_until_read("a.log")
        for command in commands.strip().splitlines():
            told = _first_output(command.replace(ADDRESS, service.url), until="ERROR first")
            assert "event: hello" in told
            assert "ERROR first" in told


def test_the_commands_of_the_command_line_do_what_they_say(tmp_path: Path) -> None:
    (commands,) = [block for block in blocks("sh") if "logstream tail" in block]
    log = tmp_path / "syslog"
    log.write_text("Nov  1 10:00:00 web-1 app: ERROR first\n")
    told = {}
    with running(tmp_path, SOURCES) as service:
        service.write("a.log", "ERROR first")
        service.wait_until_read("a.log")
        (tmp_path / "config.toml").write_text(SOURCES + blocks("toml")[0])
        for command in commands.strip().splitlines():
            spelled = command.replace(ADDRESS, service.url).replace("/var/log/syslog", str(log))
            spelled = spelled.replace("config.toml", str(tmp_path / "config.toml"))
            spelled = spelled.replace("logstream", f"{sys.executable} -m logstream", 1)
            is_endless = "tail" in spelled and "--no-follow" not in spelled
            words = shlex.split(spelled)
            told[command] = (
                _first_output(spelled, until="ERROR first")
                if is_endless
                else subprocess.run(words, capture_output=True, text=True, check=True, timeout=30).stdout
            )

    follow, once, sources, rules, completion = told.values()
    assert "ERROR first" in follow
    assert json.loads(once)["fields"]["app"] == "app"
    assert "app: ok, 1 file" in sources
    assert "http-5xx" in rules
    assert "complete" in completion


def _first_output(command: str, until: str) -> str:
    """What an endless command prints, up to the line with `until`."""
    told = ""
    with subprocess.Popen(
        shlex.split(command), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            told += line
            if until in line:
                break
        process.kill()
    return told


def test_the_event_source_example_prints_lines_and_gaps(tmp_path: Path, chromium: str) -> None:
    (script,) = blocks("js")
    with running(tmp_path) as service, sync_playwright() as playwright:
        service.write("a.log", "a timeout", "something else")
        service.wait_until_read("a.log")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page()
        page.goto(f"{service.url}/healthz")
        with page.expect_console_message(lambda message: message.type == "log") as printed:
            page.evaluate(f"() => {{ {script.replace(ADDRESS, service.url)} }}")
        assert printed.value.text == "a timeout"
        with page.expect_console_message(lambda message: message.type == "warning") as warned:
            _lose_lines(service)
        assert warned.value.text.startswith("lost")
        browser.close()


def _lose_lines(service: Service) -> None:
    """Take lines away that an open client has not got: those written and truncated while the service is down."""
    service.kill()
    service.write("a.log", "a timeout that nobody saw")
    (service.logs / "a.log").write_bytes(b"a new timeout\n")
    service.start()


def test_the_rules_example_is_a_valid_configuration_that_does_what_is_said(tmp_path: Path) -> None:
    (rules,) = blocks("toml")
    path = tmp_path / "config.toml"
    path.write_text(SOURCES + rules)
    assert [rule.name for rule in load(path, {}).rules] == ["no-probes", "http-5xx"]

    with running(tmp_path, SOURCES + rules) as service:
        service.write("a.log", '"GET /healthz HTTP/1.1" 200 5', '"GET / HTTP/1.1" 502 5')
        service.wait_until_read("a.log")
        with service.stream(from_="start") as stream:
            event = stream.expect("http-5xx")

    assert event.json["level"] == "error"


def test_the_readme_names_each_parameter_event_and_member_of_a_record_and_no_other(tmp_path: Path) -> None:
    text = README.read_text()
    with running(tmp_path) as service:
        service.write("a.log", "one")
        service.wait_until_read("a.log")
        with service.stream(from_="start") as stream:
            record = stream.records(1)[0]
        offered = service.get("/openapi.json").json()["paths"]["/api/v1/stream"]["get"]["parameters"]

    assert _first_cells(text, "parameter") == {one["name"] for one in offered if one["in"] == "query"}
    assert _first_cells(text, "event") == OWN_EVENTS | {"line"}
    (members,) = re.findall(r"`(\{\"id\".*?\})`", text)
    assert re.findall(r"\"(\w+)\"", members) == list(record)


def _first_cells(text: str, head: str) -> set[str]:
    """The names in the first column of the table that `head` begins."""
    (rows,) = re.findall(rf"^\| {head} \| (?:meaning|tells).*\n\|-.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    return {name for row in rows.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])}
