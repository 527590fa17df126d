"""What `check` finds on the machine: files a source would watch, and settings that will disappoint."""

from __future__ import annotations

import grp
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from logstream.config import Settings, load
from logstream.config.survey import Survey, survey_source, warnings_about
from logstream.tail.discovery import Sighting, Trouble, find

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65_534


def loaded(directory: Path, toml: str) -> Settings:
    (directory / "config.toml").write_text(toml)
    return load(directory / "config.toml", {})


def surveyed(directory: Path, keys: str) -> Survey:
    return survey_source(loaded(directory, f"[[source]]\nname = 'web'\n{keys}").sources[0], find)


def warned(directory: Path, toml: str) -> list[str]:
    settings = loaded(directory, toml)
    surveys = [survey_source(source, find) for source in settings.sources]
    told = warnings_about(settings, surveys)
    return [str(problem).removeprefix(f"{directory}/config.toml: ") for problem in told]


def test_each_glob_is_counted_and_each_file_once(tmp_path: Path) -> None:
    (tmp_path / "deep/er").mkdir(parents=True)
    for name in ("a.log", "b.log", "deep/c.log", "deep/er/d.log", "deep/e.txt"):
        (tmp_path / name).touch()
    survey = surveyed(tmp_path, "paths = ['*.log', '**/*.log', 'none*']")
    assert survey.counts == (2, 4, 0)
    assert survey.files == 4


def test_only_regular_files_count_and_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.log")
    (tmp_path / "directory.log").mkdir()
    (tmp_path / "broken.log").symlink_to("nowhere")
    (tmp_path / "link.log").symlink_to("config.toml")
    assert surveyed(tmp_path, "paths = ['*.log']").files == 1


def test_a_directory_named_as_if_it_were_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    assert warned(tmp_path, "[[source]]\nname = 'web'\npaths = ['logs']") == [
        "source[web].paths: no file matches now; the source waits for one",
        f"source[web].paths: {tmp_path}/logs is a directory",
    ]


def test_a_directory_that_fails_for_another_reason_is_told_with_the_reason(tmp_path: Path) -> None:
    class Broken(NamedTuple):
        sightings: tuple[Sighting, ...] = ()
        troubles: tuple[Trouble, ...] = (Trouble("/mnt/logs", "input/output error"),)

    settings = loaded(tmp_path, "[[source]]\nname = 'web'\npaths = ['/mnt/logs/*']")
    survey = survey_source(settings.sources[0], lambda *_: Broken())
    assert survey.obstacles == (("/mnt/logs", "cannot be looked at: input/output error"),)


def test_excluded_files_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    for name in ("a.log", "a.log.gz", "old/b.log"):
        (tmp_path / name).touch()
    assert surveyed(tmp_path, "paths = ['**/*.log*']\nexclude = ['*.gz', 'old/*']").files == 1


def test_nothing_disappointing_gives_no_warning(tmp_path: Path) -> None:
    (tmp_path / "web.log").touch()
    toml = "[[source]]\nname = 'web'\npaths = ['web.log']\n[[rule]]\nname = 'r'\nmatch = 'x'\nsource = 'w*'"
    assert warned(tmp_path, toml) == []


def test_a_configuration_without_sources_is_warned_of(tmp_path: Path) -> None:
    assert warned(tmp_path, "") == ["source: no source is configured, so nothing will be watched"]


def test_a_source_without_files_is_warned_of(tmp_path: Path) -> None:
    assert warned(tmp_path, "[[source]]\nname = 'web'\npaths = ['none.log']") == [
        "source[web].paths: no file matches now; the source waits for one"
    ]


def test_braces_that_only_a_shell_would_expand_are_warned_of(tmp_path: Path) -> None:
    (tmp_path / "{x,y}.log").touch()
    (tmp_path / "a.log").touch()
    told = warned(
        tmp_path, "[[source]]\nname = 'web'\npaths = ['{a,b}.log', 'app{1..3}.log', '{x,y}.log', '{a}', 'a.log']"
    )
    assert told == [
        f"source[web].paths: {tmp_path}/{pattern}: braces stand for themselves; write a path for each"
        for pattern in ("{a,b}.log", "app{1..3}.log")
    ]


def test_what_is_seen_without_counting_each_glob_is_warned_of_too(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "[[source]]\nname = 'web'\npaths = ['{a,b}.log']")
    seen = Survey(settings.sources[0], (), 0, ())
    assert [problem.message for problem in warnings_about(settings, [seen])] == [
        "no file matches now; the source waits for one"
    ]


def test_rules_without_effect_are_warned_of(tmp_path: Path) -> None:
    (tmp_path / "web.log").touch()
    toml = """
        [[source]]
        name = "web"
        paths = ["web.log"]
        [[rule]]
        name = "elsewhere"
        match = "x"
        source = "db-*"
        [[rule]]
        name = "dropped"
        match = "x"
        action = "drop"
        event = "seen"
        set_level = "info"
        highlight = "red"
        """
    assert warned(tmp_path, toml) == [
        'rule[elsewhere].source: "db-*" is no source, so the rule never acts; sources are web',
        "rule[dropped].event: has no effect: the rule drops its lines",
        "rule[dropped].set_level: has no effect: the rule drops its lines",
        "rule[dropped].highlight: has no effect: the rule drops its lines",
    ]


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that other users can reach, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def without_rights() -> Iterator[None]:
    """As somebody who is not root, because root may read everything."""
    if os.geteuid() != 0:
        yield
        return
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def warned_without_rights(directory: Path, paths: str) -> list[str]:
    toml = f"[[source]]\nname = 'web'\npaths = ['{paths}']"
    with_rights = loaded(directory, toml)
    with without_rights():
        told = warnings_about(with_rights, [survey_source(source, find) for source in with_rights.sources])
    return [str(problem).removeprefix(f"{directory}/config.toml: source[web].paths: ") for problem in told]


def opens(path: str, rights: str) -> str:
    """The command that is advised for a path that no group may read: by another user, or by its owner."""
    return f"sudo setfacl -m u:nobody:{rights} {path}" if os.geteuid() == 0 else f"chmod u+{rights} {path}"


def test_a_file_that_cannot_be_read_is_told_with_the_command_that_opens_it(open_directory: Path) -> None:
    file = open_directory / "it's.log"
    file.touch()
    file.chmod(0o240)  # the group of root is nothing to join
    quoted = "'" + str(file).replace("'", "'\"'\"'") + "'"
    assert warned_without_rights(open_directory, "*.log") == [
        f"{file} cannot be read: {opens(quoted, 'r')}, or exclude it"
    ]


def test_a_file_that_a_group_may_read_is_opened_by_joining_the_group(open_directory: Path) -> None:
    file = open_directory / "a.log"
    file.touch()
    file.chmod(0o240)
    if os.geteuid() == 0:  # only root can give a file to a group that it is not in
        os.chown(file, 0, grp.getgrnam("adm").gr_gid)
    advice = "sudo usermod -aG adm nobody" if os.geteuid() == 0 else f"chmod u+r {file}"
    assert warned_without_rights(open_directory, "*.log") == [f"{file} cannot be read: {advice}, or exclude it"]


def test_a_directory_that_cannot_be_searched_is_told(open_directory: Path) -> None:
    closed = open_directory / "closed"
    closed.mkdir()
    (closed / "a.log").touch()
    closed.chmod(0)
    try:
        assert warned_without_rights(open_directory, "**/*.log") == [
            "no file matches now; the source waits for one",
            f"{closed} cannot be read: {opens(str(closed), 'rx')}, or exclude it",
        ]
    finally:
        closed.chmod(0o700)


def test_many_unreadable_files_are_counted_after_the_first_ten(open_directory: Path) -> None:
    for number in range(12):
        (open_directory / f"{number:02}.log").touch()
        (open_directory / f"{number:02}.log").chmod(0)
    told = warned_without_rights(open_directory, "*.log")
    assert len(told) == 11
    assert told[-1] == "2 more cannot be followed"


def test_a_name_that_would_act_on_a_terminal_is_told_escaped(open_directory: Path) -> None:
    file = open_directory / "\x1b[31m.log"
    file.touch()
    file.chmod(0)
    (told,) = warned_without_rights(open_directory, "*.log")
    assert told.isprintable()
    assert "\\x1b[31m.log cannot be read" in told
