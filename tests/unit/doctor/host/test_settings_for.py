"""Which settings the commands take that change the users: those of the installed service, where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logstream.doctor.host import settings_for

if TYPE_CHECKING:
    from pathlib import Path

UNIT = """[Service]
ExecStart=/opt/logstream/current/bin/python -I -m logstream serve --config {config}
Environment=LOGSTREAM_STATE__DIR=%S/logstream
"""


def test_the_installed_services_state_is_where_its_users_are(tmp_path: Path) -> None:
    config = tmp_path / "etc" / "logstream.toml"
    folder = tmp_path / "etc" / "systemd" / "system"
    folder.mkdir(parents=True)
    (folder / "logstream.service").write_text(UNIT.format(config=config))
    config.write_text("")
    other = tmp_path / "other.toml"
    other.write_text("")

    for given in (None, config):
        assert str(settings_for(given, {}, tmp_path).users_path) == "/var/lib/logstream/users.json"
    assert settings_for(other, {}, tmp_path).users_path == tmp_path / ".logstream" / "users.json"


def test_an_address_that_is_open_does_not_keep_anybody_from_making_users(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[server]\nhost = "192.0.2.1"\n')
    assert settings_for(config, {}, tmp_path).server.host == "192.0.2.1"
