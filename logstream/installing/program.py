"""The logstream that runs now: where it is, whether the service could read it there, and how a copy is made of it.

Owns the question of what the unit's sandbox shows to the service. Refuses to copy: it plans steps.
"""

from __future__ import annotations

import stat
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from logstream.installing.errors import NotCopyableError
from logstream.installing.steps import Copy, Link, Run, Step, Write

if TYPE_CHECKING:
    from collections.abc import Iterable

_HIDDEN: Final = ("/home", "/root", "/run/user", "/tmp", "/var/tmp", "/dev", "/etc")  # noqa: S108 - named, not used
"""What the unit hides: ProtectHome, PrivateTmp, PrivateDevices, TemporaryFileSystem."""
_LEFT_OUT: Final = ("__pycache__", "site-packages", "test", "idlelib", "tkinter", "ensurepip")
"""What of a Python the service does not need."""


class Program(NamedTuple):
    """An environment with logstream in it.

    `prefix` is the environment, `packages` its site-packages, `base` the directory of the Python under it and
    `base_python` that Python's program; `package` is where logstream itself is.
    """

    version: str
    prefix: Path
    packages: Path
    base: Path
    base_python: Path
    package: Path

    @property
    def python(self) -> Path:
        """The environment's own python."""
        return self.prefix / "bin" / "python"

    @property
    def is_visible(self) -> bool:
        """Whether the service can run it where it is."""
        return all(map(is_visible_to_service, (self.python, self.base_python, self.base, self.package)))

    def copied_to(self, target: Path, others: Iterable[Path]) -> list[Step]:
        """The steps that make a copy in `target`, on the first of `others` that is a Python of the same version.

        Raises:
            NotCopyableError: it is not in an environment of its own, or only linked into it.
        """
        if self.prefix == self.base:
            raise NotCopyableError
        if not self.package.is_relative_to(self.packages):
            raise NotCopyableError(self.package)
        steps: list[Step] = []
        python = next((path for path in others if path.exists() and is_visible_to_service(path)), None)
        if is_visible_to_service(self.base_python):
            python = self.base_python
        if python is None:
            steps.append(Copy(self.base, target / "python", _LEFT_OUT))
            python = target / "python" / self.base_python.relative_to(self.base)
        library = self.packages.relative_to(self.prefix)
        steps.append(Copy(self.packages, target / library, ("__pycache__", "pip", "pip-*")))
        steps.append(Write(target / "pyvenv.cfg", f"home = {python.parent}\ninclude-system-site-packages = false\n"))
        steps.append(Link(target / "bin" / "python", python))
        # The service may not write there: what is not compiled now, it would compile anew at each of its starts, for
        # a second and a half. A file that cannot be compiled, as some packages have them for other Pythons, may fail.
        compiling = (str(target / "bin" / "python"), "-I", "-m", "compileall", "-q", str(target))
        steps.append(Run(compiling, may_fail=True))
        return steps


def this_program(version: str) -> Program:
    """What runs now; `version` is logstream's."""
    base = Path(sys.base_prefix).resolve()
    return Program(
        version,
        Path(sys.prefix),
        Path(sysconfig.get_path("purelib")),
        base,
        Path(sys.executable).resolve(),
        Path(__file__).resolve().parents[1],
    )


def system_pythons() -> tuple[Path, ...]:
    """Where the system keeps a Python of the version that runs now, if it does."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return Path("/usr/bin") / name, Path("/usr/local/bin") / name


def is_visible_to_service(path: Path) -> bool:
    """Whether a stranger may read `path`, and the unit's sandbox shows it."""
    real = path.resolve()
    if any(real.is_relative_to(hidden) or path.is_relative_to(hidden) for hidden in _HIDDEN):
        return False
    try:
        mode = real.stat().st_mode
        is_open = all(parent.stat().st_mode & stat.S_IXOTH for parent in real.parents)
    except OSError:
        return False
    return is_open and bool(mode & stat.S_IROTH)
