"""What is said to a supervisor and taken from it, over real sockets and descriptors."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from logstream.supervision import NotifySocketError, Overseer, take_sockets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TAKE = """
import os, sys
from logstream.supervision import take_sockets
os.environ["LISTEN_PID"] = str(os.getpid() + int(sys.argv[1]))
print(take_sockets(os.environ), [os.get_inheritable(fd) for fd in (3, 4)], "LISTEN_FDS" in os.environ)
"""


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[socket.socket]:
    """A supervisor's end of the talk."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(10)
        yield sock


def told_by(heard: socket.socket, **environ: str) -> Overseer:
    return Overseer({"NOTIFY_SOCKET": heard.getsockname(), **environ})


def test_a_supervisor_hears_of_readiness_reload_and_stop(heard: socket.socket) -> None:
    supervisor = told_by(heard)
    supervisor.ready("watching 2 sources")
    supervisor.reloading()
    supervisor.stopping()
    assert heard.recv(200) == b"READY=1\nSTATUS=watching 2 sources"
    assert heard.recv(200).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
    assert heard.recv(200).startswith(b"STOPPING=1\n")
    supervisor.close()
    supervisor.ready("nobody hears this")
    heard.settimeout(0)
    with pytest.raises(BlockingIOError):
        heard.recv(200)


def test_a_reload_before_the_service_is_ready_is_no_word_that_it_is(heard: socket.socket) -> None:
    supervisor = told_by(heard)
    supervisor.reloading()
    supervisor.reloaded("watching 1 source")
    supervisor.ready("watching 2 sources")
    supervisor.reloading()
    supervisor.reloaded("watching 3 sources")
    assert heard.recv(200) == b"READY=1\nSTATUS=watching 2 sources"
    assert heard.recv(200).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
    assert heard.recv(200) == b"READY=1\nSTATUS=watching 3 sources"
    supervisor.close()


def test_an_abstract_address_is_understood() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0logstream-test-{os.getpid()}")
        supervisor = Overseer({"NOTIFY_SOCKET": f"@logstream-test-{os.getpid()}"})
        supervisor.ready("x")
        assert sock.recv(200) == b"READY=1\nSTATUS=x"
        supervisor.close()


@pytest.mark.parametrize("address", ["vsock:2:1", "/nowhere/at/all"])
def test_an_address_that_cannot_be_used_is_named_with_a_remedy(address: str) -> None:
    with pytest.raises(NotifySocketError, match="unset it to start without") as caught:
        Overseer({"NOTIFY_SOCKET": address})
    assert caught.value.address == address


async def test_signs_of_life_come_three_times_within_the_limit(heard: socket.socket) -> None:
    supervisor = told_by(heard, WATCHDOG_USEC="30000", WATCHDOG_PID=str(os.getpid()))
    heard.settimeout(0)
    alive = asyncio.create_task(supervisor.run(), name="alive")
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(4):
        assert await loop.sock_recv(heard, 200) == b"WATCHDOG=1"
    assert loop.time() - began >= 0.029, "three periods of 10 ms lie between four signs"
    alive.cancel()
    with suppress(asyncio.CancelledError):
        await alive
    supervisor.close()


@pytest.mark.parametrize(
    "environ",
    [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "30000", "WATCHDOG_PID": "1"}],
)
async def test_no_sign_of_life_is_given_to_who_wants_none(heard: socket.socket, environ: dict[str, str]) -> None:
    supervisor = told_by(heard, **environ)
    await supervisor.run()
    supervisor.close()
    heard.settimeout(0)
    with pytest.raises(BlockingIOError):
        heard.recv(200)


def test_a_supervisor_that_does_not_read_holds_nobody(heard: socket.socket) -> None:
    supervisor = told_by(heard)
    for _ in range(5_000):
        supervisor.ready("the socket's buffer is full after some hundreds")
    supervisor.close()
    assert heard.recv(200)


def test_without_a_supervisor_nothing_is_said_and_nothing_taken() -> None:
    supervisor = Overseer({})
    supervisor.ready("x")
    supervisor.close()
    assert take_sockets({}) == ()


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [(0, "(3, 4) [False, False] False"), (1, "() [True, True] False")],
    ids=["ours", "another process's"],
)
def test_sockets_are_taken_only_by_the_process_they_were_bound_for(ahead: int, expected: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        # As systemd does it: the sockets are descriptors 3 and 4 of the program.
        command = f'exec 3<&{one.fileno()} 4<&{other.fileno()}; exec "$@"'
        done = subprocess.run(
            ["bash", "-c", command, "bash", sys.executable, "-c", TAKE, str(ahead)],
            env={**os.environ, "LISTEN_FDS": "2"},
            pass_fds=[one.fileno(), other.fileno()],
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.strip() == expected
