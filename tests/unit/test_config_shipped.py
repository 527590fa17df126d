"""The shipped config.toml: right as it is, complete, and truthful about defaults."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from logstream.config import load
from logstream.config.sections import SECTIONS

if TYPE_CHECKING:
    from pydantic import BaseModel

SHIPPED = Path(__file__).parents[2] / "config.toml"
COMMENTED_OUT = re.compile(r"# ([a-z_]+) = (.+)")
NO_DEFAULT = "No default, for example:"


def documented() -> list[tuple[str, str, Any, str, bool]]:
    """Section, key, value, the comment before it, and whether it is commented out: of all that the file shows."""
    found = []
    section, comment = "", ""
    for line in SHIPPED.read_text().splitlines():
        if header := re.fullmatch(r"\[+([a-z]+)\]+", line):
            section = header[1]
        elif (commented := COMMENTED_OUT.fullmatch(line)) or re.fullmatch(r"[a-z_]+ = .+", line):
            ((key, value),) = tomllib.loads(line.removeprefix("# ")).items()
            found.append((section, key, value, comment, commented is not None))
        comment = f"{comment} {line[2:]}" if line.startswith("# ") and not COMMENTED_OUT.fullmatch(line) else ""
    return found


def default_of(section: str, key: str) -> object:
    default = SECTIONS[section].model_fields[key].get_default(call_default_factory=True)
    if isinstance(default, tuple):
        return list(default)
    return str(default) if isinstance(default, Path) else default


def test_it_loads_without_a_mistake() -> None:
    settings = load(SHIPPED, {})
    assert [source.name for source in settings.sources] == ["system"]
    assert settings.sources[0].start == "start"
    assert settings.state.dir == SHIPPED.parent / ".logstream"


def test_all_files_of_var_log_that_people_read_are_watched() -> None:
    assert load(SHIPPED, {}).sources[0].paths == ("/var/log/**/*.log", "/var/log/syslog", "/var/log/messages")


@pytest.mark.parametrize(("section", "model"), SECTIONS.items())
def test_every_key_is_shown_once_with_a_comment_of_its_own_or_its_group(section: str, model: type[BaseModel]) -> None:
    # In arrays of tables the first table shows all keys.
    shown = list(dict.fromkeys(key for part, key, *_ in documented() if part == section))
    assert shown == list(model.model_fields)


def test_what_is_commented_out_stands_there_with_its_default_or_says_that_it_has_none() -> None:
    commented = [(section, key, value, comment) for section, key, value, comment, is_out in documented() if is_out]
    assert len(commented) > 5
    for section, key, value, comment in commented:
        default = default_of(section, key)
        if default is None:
            assert comment.endswith(NO_DEFAULT), f"{section}.{key}"
        else:
            assert value == default, f"{section}.{key}"
            assert not comment.endswith(NO_DEFAULT), f"{section}.{key}"


@pytest.mark.parametrize("section", ["server", "state", "stream", "access"])
def test_what_is_set_there_in_single_sections_is_the_default(section: str) -> None:
    active = {key: value for part, key, value, _, is_out in documented() if part == section and not is_out}
    assert active
    assert active == {key: default_of(section, key) for key in active}


def test_it_is_right_with_everything_commented_in(tmp_path: Path) -> None:
    lines = [line[2:] if COMMENTED_OUT.fullmatch(line) else line for line in SHIPPED.read_text().splitlines()]
    whole = tmp_path / "config.toml"
    whole.write_text("\n".join(lines))
    settings = load(whole, {}, users="leave")  # there is no file of users that this example names
    assert settings.server.unix_socket == Path("/run/logstream/logstream.sock")
    assert (settings.rules[0].source, settings.rules[0].level, settings.rules[0].highlight) == (
        "web-*",
        ">=warn",
        "red",
    )
