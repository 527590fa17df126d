"""docs/access.md: its configuration is valid and does what the page says, and no setting is left out."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from logstream.access import User, change_users
from logstream.config import AccessSettings, load
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


def test_each_setting_of_the_section_is_explained() -> None:
    page = PAGE.read_text()
    assert [key for key in AccessSettings.model_fields if f"`{key}" not in page and f"{key} = " not in page] == []
