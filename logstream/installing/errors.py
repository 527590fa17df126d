"""What can stand in the way of an installation, each with what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logstream.errors import LogstreamError

if TYPE_CHECKING:
    from pathlib import Path


class InstallError(LogstreamError):
    """The installation stopped. Root of the cases below."""


class NotRootError(InstallError):
    """Only root may change what systemd runs."""

    def __str__(self) -> str:
        """One line for people."""
        return "only root can do this: put sudo before it, or add --dry-run to see what it would do"


class NoSystemdError(InstallError):
    """This machine was not started by systemd."""

    def __str__(self) -> str:
        """One line for people."""
        return "this machine does not run systemd: use `logstream serve` under the supervisor that it has"


class NotCopyableError(InstallError):
    """The service could not read this program where it is, and it cannot be copied.

    It is not in an environment of its own, or only linked into it from the directory `linked_from`.
    """

    def __init__(self, linked_from: Path | None = None) -> None:
        """Remember where the program really is."""
        super().__init__(linked_from)
        self.linked_from = linked_from

    def __str__(self) -> str:
        """One line for people."""
        linked = f"only linked into its environment, from {self.linked_from}"
        why = linked if self.linked_from else "not in an environment of its own"
        return (
            f"the service cannot read this logstream where it is, and it cannot be copied, as it is {why}: install the "
            "wheel into an environment of its own (python3 -m venv /opt/logstream-venv && "
            "/opt/logstream-venv/bin/pip install logstream-live)"
        )


class StepError(InstallError):
    """A step failed; `step` tells it, `reason` is what the system said."""

    def __init__(self, step: str, reason: str) -> None:
        """Remember the step, and the reason."""
        super().__init__(step, reason)
        self.step = step
        self.reason = reason

    def __str__(self) -> str:
        """One line for people."""
        return f"could not {self.step}: {self.reason}"


class NoPageError(InstallError):
    """The page is not built in `folder`."""

    def __init__(self, folder: Path) -> None:
        """Remember where it should be."""
        super().__init__(folder)
        self.folder = folder

    def __str__(self) -> str:
        """One line for people."""
        return f"there is no page in {self.folder}: in a clone `make build` builds it; a wheel always holds it"


class NotReadyError(InstallError):
    """The service was started and is not ready at `address`; `reason` is the last that was seen."""

    def __init__(self, address: str, reason: str) -> None:
        """Remember the address, and the reason."""
        super().__init__(address, reason)
        self.address = address
        self.reason = reason

    def __str__(self) -> str:
        """One line for people."""
        return f"the service was started, but {self.address} {self.reason}; `journalctl -u logstream -n 50` tells more"
