from __future__ import annotations

import os
import tempfile
from pathlib import Path

from logstream.tail.discovery import find, is_absence, search
from tests.tail_kit import as_nobody


def paths(root: Path, *patterns: str, exclude: tuple[str, ...] = ()) -> list[str]:
    found = find([f"{root}/{pattern}" for pattern in patterns], exclude)
    return [sighting.path.removeprefix(f"{root}/") for sighting in found.sightings]


def grow(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_globs_find_what_they_match_once_and_sorted(tmp_path: Path) -> None:
    grow(tmp_path, "b.log", "a.log", "x/c.log", "x/y/d.log", ".hidden.log", ".git/e.log", "x/f.txt")
    assert paths(tmp_path, "*.log", "a.log", "[a]*") == ["a.log", "b.log"]
    assert paths(tmp_path, "**/*.log") == ["a.log", "b.log", "x/c.log", "x/y/d.log"]
    assert paths(tmp_path, "*/*.log") == ["x/c.log"]
    assert paths(tmp_path, "**") == ["a.log", "b.log", "x/c.log", "x/f.txt", "x/y/d.log"]
    assert paths(tmp_path, ".*.log") == [".hidden.log"]
    assert paths(tmp_path, "x/y/d.log", "nowhere/at/all.log") == ["x/y/d.log"]


def test_directories_that_are_excluded_are_not_entered(tmp_path: Path) -> None:
    grow(tmp_path, "a/b.log", "c/d.log", "e.log")
    found = find([f"{tmp_path}/**/*.log"], [f"{tmp_path}/a/**", "e*"])
    assert [sighting.path for sighting in found.sightings] == [f"{tmp_path}/c/d.log"]
    assert sorted(found.directories) == [str(tmp_path), f"{tmp_path}/c"]


def test_links_to_directories_are_followed_but_not_below_two_stars(tmp_path: Path) -> None:
    grow(tmp_path, "real/a.log")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real" / "up").symlink_to("..")
    assert paths(tmp_path, "**/*.log") == ["real/a.log"]
    assert paths(tmp_path, "*/*.log") == ["link/a.log", "real/a.log"]


def test_the_directories_to_watch_are_those_where_something_could_appear(tmp_path: Path) -> None:
    grow(tmp_path, "a/x.log", "b/c/y.log")
    facts = tmp_path.stat()
    assert find([f"{tmp_path}/nowhere/deep/*.log"]).directories == {str(tmp_path): (facts.st_dev, facts.st_ino)}
    assert sorted(find([f"{tmp_path}/*/*.log"]).directories) == [f"{tmp_path}", f"{tmp_path}/a", f"{tmp_path}/b"]
    assert sorted(find([f"{tmp_path}/a/x.log"]).directories) == [f"{tmp_path}/a"]
    assert len(find([f"{tmp_path}/**"]).directories) == 4


def test_names_that_are_not_utf8_are_found(tmp_path: Path) -> None:
    """Conformance: F9."""
    name = os.fsencode(tmp_path) + b"/caf\xe9.log"
    os.close(os.open(name, os.O_CREAT))
    (sighting,) = find([f"{tmp_path}/*.log"]).sightings
    assert os.fsencode(sighting.path) == name


def test_a_literal_directory_is_an_obstacle_and_a_matched_one_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "d.log").mkdir()
    assert find([f"{tmp_path}/d.log"]).sightings[0].obstacle == "is a directory"
    assert find([f"{tmp_path}/*.log"]).sightings == ()


def test_links_that_lead_nowhere_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "dangling.log").symlink_to("nowhere")
    (tmp_path / "loop.log").symlink_to("loop.log")
    found = find([f"{tmp_path}/*.log", f"{tmp_path}/loop.log/x", f"{tmp_path}/{'x' * 300}"])
    assert found.sightings == ()
    assert found.troubles == ()


def test_a_long_search_pauses(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number}.log").touch()
    assert len(list(search([f"{tmp_path}/*.log"]))) == 2 + 2


def test_a_directory_that_may_not_be_read_is_trouble_and_the_rest_is_found() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        grow(root, "open/a.log", "shut/b.log")
        (root / "shut").chmod(0)
        with as_nobody():
            found = find([f"{root}/**/*.log", f"{root}/shut/b.log"])
        assert found.troubles == ((f"{root}/shut", "permission denied"), (f"{root}/shut/b.log", "permission denied"))
        assert [sighting.path for sighting in found.sightings] == [f"{root}/open/a.log"]


def test_only_absence_is_absence() -> None:
    assert is_absence(FileNotFoundError(2, "x"))
    assert is_absence(NotADirectoryError(20, "x"))
    assert not is_absence(PermissionError(13, "x"))
    assert not is_absence(OSError(24, "too many open files"))
