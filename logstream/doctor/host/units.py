"""What a unit of systemd says about its service: whom it runs as, with which settings, and which paths it hides.

Pure. Knows the directives of systemd.exec(5) that matter here. Refuses to ask systemd.
"""

from __future__ import annotations

import re
import shlex
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_YES: Final = {"yes", "true", "on", "1"}
_STATE_ROOT: Final = "/var/lib"
_HOMES: Final = ("/home", "/root", "/run/user")
_TEMPORARY: Final = ("/tmp", "/var/tmp")  # noqa: S108 - what PrivateTmp= hides, systemd.exec(5)


class Unit(NamedTuple):
    """The `[Service]` section: the values of each key in order. An empty assignment forgets those before it."""

    values: Mapping[str, tuple[str, ...]]

    def last(self, key: str) -> str:
        """The value of a key that has one, or an empty string."""
        return (self.values.get(key) or ("",))[-1]

    def words(self, key: str) -> tuple[str, ...]:
        """The words of a key that is a list."""
        return tuple(word for value in self.values.get(key, ()) for word in _split(value))

    def is_on(self, key: str) -> bool:
        """Whether a switch is on."""
        return self.last(key).lower() in _YES

    @property
    def environment(self) -> dict[str, str]:
        """The variables of `Environment=`, with `%S` as systemd puts it for a system service."""
        pairs = (word.replace("%S", _STATE_ROOT).partition("=") for word in self.words("Environment"))
        return {name: value for name, _, value in pairs}

    @property
    def config(self) -> str:
        """The configuration that `ExecStart=` names, or an empty string."""
        words = _split(self.last("ExecStart"))
        return next((words[at + 1] for at, word in enumerate(words[:-1]) if word == "--config"), "")

    @property
    def state_folders(self) -> tuple[str, ...]:
        """What `StateDirectory=` makes, and gives to the service's user."""
        return tuple(f"{_STATE_ROOT}/{word.partition(':')[0]}" for word in self.words("StateDirectory"))


def parse_unit(texts: Iterable[str]) -> Unit:
    """The unit of a file and its drop-ins, in that order."""
    values: dict[str, tuple[str, ...]] = {}
    for text in texts:
        section = ""
        for line in re.sub(r"\\\n", " ", text).splitlines():
            bare = line.strip()
            if bare.startswith("["):
                section = bare
            elif section == "[Service]" and not bare.startswith(("#", ";")) and "=" in bare:
                key, _, value = (part.strip() for part in bare.partition("="))
                values[key] = (*values.get(key, ()), value) if value else ()
    return Unit(values)


def hider_of(unit: Unit, path: str) -> str:
    """The setting that hides `path` from the service, or an empty string.

    What is inaccessible is so with all that is mounted in it; else the mount nearest to the path decides.
    """
    for place, setting in _inaccessible(unit):
        if is_below(path, place):
            return setting
    found = ""
    deepest = -1
    for place, setting in _mounts(unit):
        depth = len(PurePosixPath(place).parts)
        # A bind mount comes last, and is made over what hides the same place.
        if is_below(path, place) and depth >= deepest:
            found, deepest = setting, depth
    return found


def may_write(unit: Unit, path: str) -> bool:
    """Whether the sandbox leaves `path` writable."""
    open_to_it = [*unit.state_folders, *map(_bare, unit.words("ReadWritePaths")), *_binds(unit, "BindPaths")]
    return unit.last("ProtectSystem") != "strict" or any(is_below(path, place) for place in open_to_it)


def is_below(path: str, place: str) -> bool:
    """Whether `path` is `place` or in it."""
    return PurePosixPath(path).is_relative_to(place)


def _inaccessible(unit: Unit) -> Iterator[tuple[str, str]]:
    if unit.is_on("ProtectHome"):
        yield from ((place, f"ProtectHome={unit.last('ProtectHome')}") for place in _HOMES)
    for place in map(_bare, unit.words("InaccessiblePaths")):
        yield place, f"InaccessiblePaths={place}"


def _mounts(unit: Unit) -> Iterator[tuple[str, str]]:
    """Each place that is covered, with the setting, then each that is shown in spite of it, without one."""
    if unit.last("ProtectHome") == "tmpfs":
        yield from ((place, "ProtectHome=tmpfs") for place in _HOMES)
    temporary = unit.last("PrivateTmp").lower()
    if temporary in _YES | {"disconnected"}:
        yield from ((place, f"PrivateTmp={temporary}") for place in _TEMPORARY)
    for word in unit.words("TemporaryFileSystem"):
        place = _bare(word).partition(":")[0]
        yield place, f"TemporaryFileSystem={place}"
    for key in ("BindPaths", "BindReadOnlyPaths"):
        yield from ((place, "") for place in _binds(unit, key))
    yield from ((place, "") for place in unit.state_folders)


def _binds(unit: Unit, key: str) -> Iterator[str]:
    """Where the bind mounts of a key lead to: `SOURCE[:TARGET[:OPTIONS]]`."""
    for word in unit.words(key):
        source, _, rest = _bare(word).partition(":")
        yield rest.partition(":")[0] or source


def _bare(word: str) -> str:
    """A path without the marks for "if it is there" and "below RootDirectory="."""
    return word.lstrip("-+")


def _split(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:
        return value.split()
