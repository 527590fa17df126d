"""`logstream user` and `logstream token`, as somebody types them."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from logstream.access import is_password, read_users
from logstream.cli import main

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "correct horse battery"  # noqa: S105 - of a test
CONFIG = """
[[source]]
name = "app"
paths = ["logs/app*.log"]
[[source]]
name = "web-a"
paths = ["logs/web*.log"]
"""


@pytest.fixture(name="config")
def _config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    return path


def logstream(config: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "logstream", *arguments, "--config", str(config)]
    return subprocess.run(command, input=typed, capture_output=True, text=True, timeout=30, check=False)


def users_path(config: Path) -> Path:
    return config.parent / ".logstream" / "users.json"


def test_users_come_and_go(config: Path) -> None:
    added = logstream(config, "user", "add", "alice", typed=f"{PASSWORD}\n")
    assert added.returncode == 0, added.stderr
    assert "alice may log in" in added.stderr
    assert "reload" in added.stderr
    kept = users_path(config)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in kept.read_text()
    first = read_users(kept).users[0].password or ""
    assert is_password(first, PASSWORD)

    part = logstream(config, "user", "add", "bob", "--source", "web-*", "--source", "db", "--no-password")
    assert "(now: web-a)" in part.stderr
    listed = logstream(config, "user", "list").stdout.splitlines()
    assert listed == ["alice  *", "bob  web-* db  (no password: named by a proxy)"]

    assert logstream(config, "user", "passwd", "alice", typed="another password\n").returncode == 0
    second = read_users(kept).users[0].password or ""
    assert is_password(second, "another password")
    assert logstream(config, "user", "remove", "alice").returncode == 0
    last = logstream(config, "user", "remove", "bob")
    assert "nobody gets in any more" in last.stderr
    assert str(kept) in last.stderr
    assert read_users(kept).is_asked_for


def test_a_token_is_printed_once_and_kept_as_a_hash(config: Path) -> None:
    added = logstream(config, "token", "add", "ci", "--source", "app")
    secret = added.stdout.strip()
    assert re.fullmatch(r"lst_[A-Za-z0-9_-]{43}", secret)
    assert secret not in users_path(config).read_text()
    assert read_users(users_path(config)).token_of(secret) is not None
    listed = logstream(config, "token", "list")
    assert listed.stdout == "ci  app\n"
    assert logstream(config, "token", "remove", "ci").returncode == 0
    assert not read_users(users_path(config)).tokens


@pytest.mark.parametrize(
    ("arguments", "typed", "told"),
    [
        (("user", "add", "a b"), f"{PASSWORD}\n", "letters, digits"),
        (("user", "add", "alice"), "short\n", "8 characters"),
        (("user", "add", "alice"), "", "8 characters"),
        (("user", "add", "alice"), "x" * 1025 + "\n", "1024 bytes"),
        (("user", "add", "alice", PASSWORD), "", "unexpected extra argument"),
        (("user", "add", "alice", "--source", "Web"), f"{PASSWORD}\n", "glob over sources"),
        (("user", "passwd", "alice"), f"{PASSWORD}\n", "there is no user 'alice'; there are: none"),
        (("user", "remove", "alice"), "", "there are: none"),
        (("token", "remove", "ci"), "", "there are: none"),
        (("token", "add", "ci", "lst_x"), "", "unexpected extra argument"),
    ],
)
def test_what_cannot_be_is_refused_and_makes_no_user(  # noqa: PLR0913, PLR0917 - a table of facts, and fixtures
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    typed: str,
    told: str,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert main([*arguments, "--config", str(config)]) == 2
    assert told in capsys.readouterr().err
    assert not read_users(users_path(config)).users


def test_a_name_that_is_taken_says_what_to_do_instead(config: Path) -> None:
    assert logstream(config, "user", "add", "alice", "--no-password").returncode == 0
    again = logstream(config, "user", "add", "alice", typed=f"{PASSWORD}\n")
    assert again.returncode == 2
    assert "logstream user passwd alice" in again.stderr


@pytest.mark.parametrize(("second", "code"), [(PASSWORD, 0), ("something else", 1)])
def test_on_a_terminal_the_password_is_asked_for_twice_and_never_shown(config: Path, second: str, code: int) -> None:
    command = [sys.executable, "-m", "logstream", "user", "add", "alice", "--config", str(config)]
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        shown = b""
        answers = [PASSWORD, second]
        try:
            while block := os.read(ours, 4096):
                shown += block
                if answers and shown.rstrip().endswith(b":") and shown.count(b":") == 3 - len(answers):
                    os.write(ours, f"{answers.pop(0)}\n".encode())
                elif not answers and b"do not match" in shown:
                    process.terminate()
        except OSError:
            pass  # the terminal of a process that has ended
    os.close(ours)
    assert (process.returncode == 0) == (code == 0), shown
    assert PASSWORD.encode() not in shown
    assert bool(read_users(users_path(config)).users) == (code == 0)


def test_a_configuration_names_its_own_file_and_check_says_what_is_wrong_with_it(config: Path) -> None:
    config.write_text(CONFIG + '[access]\nusers_file = "who.json"\n')
    missing = logstream(config, "check")
    assert missing.returncode == 2
    assert "access.users_file" in missing.stderr
    assert "logstream user add" in missing.stderr
    assert logstream(config, "user", "add", "alice", "--no-password").returncode == 0
    path = config.parent / "who.json"
    assert json.loads(path.read_text())["users"][0]["name"] == "alice"
    assert logstream(config, "check").returncode == 0
    path.chmod(0o644)
    loose = logstream(config, "check")
    assert loose.returncode == 2
    assert f"chmod 600 {path}" in loose.stderr


@pytest.mark.parametrize(
    ("access", "told"),
    [
        ('trusted_header = "X-User"\ntrusted_proxies = []', "nobody is trusted to send it"),
        ('trusted_header = "Cookie"', "which clients send themselves"),
        ('trusted_header = "X User"', "the name of a header"),
        ('trusted_proxies = ["localhost"]', "is no proxy"),
        ('trusted_proxies = ["10.0.0.1/8"]', "is no proxy"),
        ('header_sources = ["Web"]', "glob over"),
        ("session_hours = 0", "from 1 to 8760"),
        ('metrics = "closed"', '"protected" or "open"'),
    ],
)
def test_what_is_wrong_with_the_section_is_told_with_its_line(
    config: Path, capsys: pytest.CaptureFixture[str], access: str, told: str
) -> None:
    config.write_text(f"[access]\n{access}\n{CONFIG}")
    assert main(["check", "--config", str(config)]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert re.search(r"config\.toml:[23]: access\.", said)
