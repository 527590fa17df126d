"""`logstream proxy` and `logstream web-root`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from logstream.cli import main
from logstream.cli.proxy import _PROXIES
from tests.installed import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("kind", _PROXIES)
def test_each_configuration_is_printed_as_it_was_tested(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["proxy", kind]) == 0
    assert capsys.readouterr().out == (ROOT / "deploy" / _PROXIES[kind]).read_text()


def test_every_configuration_can_be_printed() -> None:
    files = {path.relative_to(ROOT / "deploy").as_posix() for path in (ROOT / "deploy").rglob("*") if path.is_file()}
    assert set(_PROXIES.values()) == {name for name in files if name.split("/")[0] in {"nginx", "caddy", "haproxy"}}


def test_the_name_stands_wherever_it_matters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["proxy", "nginx", "--name", "a-b.example.com"]) == 0
    told = capsys.readouterr().out
    assert told.count("server_name a-b.example.com;") == 2
    assert "/etc/letsencrypt/live/a-b.example.com/privkey.pem;" in told
    assert "logs.example.org" not in told


@pytest.mark.parametrize("name", ["", "localhost", "a.b; include /etc/passwd", "a..b", "a.b\n"])
def test_what_is_no_name_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["proxy", "nginx", "--name", name]) == 2
    assert "expected a host name such as logs.example.org" in capsys.readouterr().err


def test_the_folder_of_the_page_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["web-root"]) == 0
    assert capsys.readouterr().out == f"{ROOT / 'logstream' / 'static'}\n"


def test_a_page_that_is_not_built_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("logstream.installing.surroundings._PACKAGE", tmp_path)
    assert main(["web-root"]) == 1
    assert f"there is no page in {tmp_path}/static" in capsys.readouterr().err
