"""docs/access.md: its configuration is valid and does what the page says, and its commands are real."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import httpx

from logstream.access import User, change_users
from logstream.cli import cli
from logstream.config import load
from tests.running import Service

PAGE = Path(__file__).parents[2] / "docs" / "access.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_configuration_takes_the_word_of_whoever_comes_over_the_socket(tmp_path: Path) -> None:
    (example,) = blocks("toml")
    source = '[[source]]\nname = "web-a"\npaths = ["logs/*.log"]\n'
    (tmp_path / "config.toml").write_text(example + source)
    settings = load(tmp_path / "config.toml", {})
    assert settings.access.trusted_proxies == ("unix",)
    change_users(settings.users_path, lambda users: users.with_user(User("carol", ("web-*",))))

    service = Service(tmp_path, example + source).start()
    try:
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(tmp_path / "logstream.sock"))) as client:

            def seen(name: str) -> list[str]:
                answer = client.get("http://logs/api/v1/sources", headers={"X-Forwarded-User": name})
                return [one["name"] for one in answer.json()["sources"]]

            assert client.get("http://logs/api/v1/sources").status_code == 401
            assert seen("carol") == ["web-a"]
            assert seen("dave") == []
    finally:
        service.kill()


def test_every_command_of_the_page_is_one_with_these_options() -> None:
    named = [line for block in blocks("sh") for line in block.splitlines()]
    named += re.findall(r"`(logstream (?:user|token) [^`]+)`", PAGE.read_text())
    found = 0
    for line in named:
        words = [word for word in shlex.split(line, comments=True) if word != "sudo"]
        if words[:1] != ["logstream"] or words[1] not in cli.commands:
            continue
        command, rest = cli.commands[words[1]], words[2:]
        if hasattr(command, "commands"):
            command, rest = command.commands[rest[0]], rest[1:]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= options, line
        found += 1
    assert found > 4


def test_each_setting_of_the_section_is_explained() -> None:
    for key in ("trusted_header", "trusted_proxies", "header_sources", "session_hours", "users_file", "metrics"):
        assert f"`{key}" in PAGE.read_text() or f"{key} = " in PAGE.read_text()
