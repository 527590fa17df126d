"""Does the steps of a plan, and sees to it that the service is there afterwards.

Owns what touches the system. Refuses to decide what is done.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from logstream.installing.errors import InstallError, NoSystemdError, NotReadyError, NotRootError, StepError
from logstream.installing.plans import CURRENT, SOCKET, WEB_ROOT, back_plan, clearing_plan, listens_at
from logstream.installing.steps import Copy, Keep, Link, Remove, Run, Step, Write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from logstream.installing.plans import Machine

_PATIENCE_SECONDS: Final = 60.0
_AGAIN_SECONDS: Final = 0.1
_BOOTED: Final = Path("/run/systemd/system")
"""There if systemd is the init system (sd_booted(3))."""


def require_systemd() -> None:
    """Raises NotRootError or NoSystemdError where nothing can be installed."""
    if os.geteuid() != 0:
        raise NotRootError
    if not _BOOTED.is_dir():
        raise NoSystemdError


def install(steps: Iterable[Step], machine: Machine, tell: Callable[[Step], None]) -> Sequence[str]:
    """Do `steps`, wait until the service is ready, and give the addresses where it is; raises InstallError."""
    _do(steps, tell)
    addresses = _wait_until_ready()
    _do(clearing_plan(machine), tell)
    return addresses


def upgrade(steps: Iterable[Step], machine: Machine, tell: Callable[[Step], None]) -> Sequence[str]:
    """As `install`; if the new program does not become ready, the one before runs again.

    Raises:
        InstallError: a step failed, or the new program does not work and the one before is back.
    """
    before = [Link(link, link.readlink()) for link in (CURRENT, WEB_ROOT) if link.is_symlink()]
    try:
        _do(steps, tell)
        addresses = _wait_until_ready()
    except InstallError:
        _do(back_plan(before), tell)
        raise
    _do(clearing_plan(machine), tell)
    return addresses


def uninstall(steps: Iterable[Step], tell: Callable[[Step], None]) -> None:
    """Do `steps`; raises StepError."""
    _do(steps, tell)


def _do(steps: Iterable[Step], tell: Callable[[Step], None]) -> None:
    for step in steps:
        tell(step)
        try:
            _do_one(step)
        except (OSError, shutil.Error) as error:
            raise StepError(str(step), str(error)) from error


def _do_one(step: Step) -> None:
    match step:
        case Write():
            step.path.parent.mkdir(parents=True, exist_ok=True)
            beside = step.path.with_name(f".{step.path.name}.new")
            beside.write_text(step.text, "utf-8")
            beside.chmod(0o644)
            beside.replace(step.path)
        case Copy():
            shutil.copytree(step.source, step.target, symlinks=True, ignore=shutil.ignore_patterns(*step.leave_out))
            _open_to_all(step.target)
        case Link():
            step.path.parent.mkdir(parents=True, exist_ok=True)
            beside = step.path.with_name(f".{step.path.name}.new")
            beside.unlink(missing_ok=True)
            beside.symlink_to(step.target)
            beside.replace(step.path)
        case Remove():
            if step.path.is_dir() and not step.path.is_symlink():
                shutil.rmtree(step.path)
            else:
                step.path.unlink(missing_ok=True)
        case Run():
            _run(step)
        case Keep():
            pass


def _run(step: Run) -> str:
    # Whatever root's umask: what it makes is for the service, which is not root.
    done = subprocess.run(  # noqa: S603 - our own plan's
        step.command, capture_output=True, text=True, check=False, umask=0o022
    )
    if done.returncode and not step.may_fail:
        raise StepError(str(step), done.stderr.strip() or f"exit code {done.returncode}")
    return done.stdout


def _open_to_all(directory: Path) -> None:
    """Let everybody read a copy that was made by a root whose files nobody else may read."""
    directory.chmod(0o755)
    for path in directory.rglob("*"):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if mode & 0o100 else 0o444))
    for parent in directory.parents:
        if parent.name == "logstream":
            parent.chmod(0o755)


def _wait_until_ready() -> Sequence[str]:
    addresses = listens_at(_run(Run(("systemctl", "show", "--property=Listen", SOCKET))))
    if not addresses:
        raise NotReadyError(SOCKET, "listens nowhere")
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (reason := _unready(addresses[0])) is not None:
        if time.monotonic() > deadline:
            raise NotReadyError(addresses[0], reason)
        time.sleep(_AGAIN_SECONDS)
    return addresses


def _unready(address: str) -> str | None:
    """Why the service at `address`, a URL or the path of a socket, is not ready; None if it is."""
    is_path = address.startswith("/")
    transport = httpx.HTTPTransport(uds=address if is_path else None)
    url = "http://localhost" if is_path else address
    with suppress(httpx.HTTPError), httpx.Client(transport=transport, timeout=5.0, trust_env=False) as client:
        answer = client.get(f"{url}/readyz")
        return None if answer.is_success else f"answers {answer.status_code}: {answer.text}"
    return "does not answer"
