"""Who can reach an address, and that a configuration says when everybody may."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from logstream.config import ConfigError, Override, load
from logstream.openness import OpenToStrangersError, is_open_to_strangers
from logstream.supervision import hosts_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "LOCALHOST"])
def test_this_machine_alone_reaches_loopback(host: str) -> None:
    assert not is_open_to_strangers(host)


ANY = "0.0.0.0"  # noqa: S104 - nothing is bound here


@pytest.mark.parametrize("host", [ANY, "::", "192.0.2.1", "10.0.0.1", "logs.example.org", "localhost.example.org"])
def test_all_else_is_open_to_strangers(host: str) -> None:
    assert is_open_to_strangers(host)


def loaded(path: Path, text: str, environ: dict[str, str] | None = None, *options: Override) -> str:
    (path / "config.toml").write_text(text)
    return load(path / "config.toml", environ or {}, options).server.host


def test_an_open_address_is_refused_where_it_was_given_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, '\n[server]\nhost = "192.0.2.1"')
    told = str(caught.value)
    assert "config.toml:3" in told
    assert "nobody asks who they are" in told
    assert "allow_anonymous = true" in told
    with pytest.raises(ConfigError, match="--host"):
        loaded(tmp_path, "", None, Override("--host", "server", "host", "192.0.2.1"))
    with pytest.raises(ConfigError, match="environment LOGSTREAM_SERVER__HOST"):
        loaded(tmp_path, "", {"LOGSTREAM_SERVER__HOST": "192.0.2.1"})


def test_what_is_meant_or_not_used_is_allowed(tmp_path: Path) -> None:
    assert loaded(tmp_path, '[server]\nhost = "192.0.2.1"\nallow_anonymous = true')
    assert loaded(tmp_path, '[server]\nhost = "192.0.2.1"', {"LOGSTREAM_SERVER__ALLOW_ANONYMOUS": "true"})
    assert loaded(tmp_path, '[server]\nhost = "192.0.2.1"\nunix_socket = "s"')


def test_addresses_of_sockets_are_told_and_paths_are_none(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(tmp_path / "s"))
        assert hosts_of([unix.fileno(), tcp.fileno()]) == ["127.0.0.1"]
        tcp.getsockname()  # still open
    assert "is open at 192.0.2.1" in str(OpenToStrangersError("192.0.2.1"))
