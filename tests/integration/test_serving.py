"""`serve` on real sockets: which protocols it speaks, where it listens, what it refuses, how it begins."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import sys
from typing import TYPE_CHECKING

import pytest
from hypercorn.utils import LifespanFailureError
from quart import Quart, request

from logstream.serving import (
    Address,
    AddressUnusableError,
    InheritedSocketError,
    PortTakenError,
    SocketPathError,
    serve,
)
from logstream.serving.listeners import NOTSENT_LOWAT_BYTES, USER_TIMEOUT_MS, Listener, bind_tcp, bind_unix, inherit
from tests.live_server import connected, live, nothing

if TYPE_CHECKING:
    from pathlib import Path

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
H2C = "\nConnection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAAQAAP__"
WEBSOCKET = (
    "\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng=="
)


def an_app() -> Quart:
    app = Quart("an_app")

    @app.get("/")
    async def root() -> dict[str, object]:
        return {"upgrade": request.headers.get("Upgrade"), "version": request.http_version}

    return app


async def test_the_http_2_preface_is_refused_and_the_connection_closed() -> None:
    async with live(an_app()) as server, connected(server.address) as client:
        answer = await client.answer(PREFACE)
        assert answer.status == 505
        assert b"HTTP/1.1" in await client.body(answer)
        assert await client.is_closed_by_server()


async def test_the_http_2_preface_after_a_request_is_refused_too() -> None:
    async with live(an_app()) as server, connected(server.address) as client:
        await client.body(await client.answer("GET /"))
        answer = await client.answer(PREFACE)
        assert answer.status == 505
        await client.body(answer)
        assert await client.is_closed_by_server()


@pytest.mark.parametrize("upgrade", [H2C, WEBSOCKET], ids=["h2c", "websocket"])
async def test_an_upgrade_is_ignored_and_answered_over_http_1(upgrade: str) -> None:
    async with live(an_app()) as server, connected(server.address) as client:
        for _ in range(2):
            answer = await client.answer(f"GET /{upgrade}")
            assert answer.status == 200
            assert "upgrade" not in answer.headers
            assert await client.body(answer) == b'{"upgrade":null,"version":"1.1"}\n'
        assert (await client.answer("GET /")).status == 200


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /?q=%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * 10_000_000), 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: %b\r\n\r\n" % (b"x" * 10_000_000), 431),
        (b"\0\xff\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET ?x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/3.7\r\nHost: a\r\n\r\n", 505),
        (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 600 + b"\r\n\r\n", 400),
    ],
    ids=["10 MB query", "10 MB header", "NUL", "bytes", "no host", "no path", "star", "version", "case", "TLS"],
)
async def test_what_is_no_request_is_refused_at_once_and_nothing_is_logged(
    request_bytes: bytes, status: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async with live(an_app()) as server, connected(server.address) as client:
        answer = await client.answer(request_bytes)
        assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
        told = json.loads(await client.body(answer))
        assert (told["status"], set(told)) == (status, {"type", "title", "status", "detail"})
        assert await client.is_closed_by_server()
        async with connected(server.address) as other:
            assert (await other.answer("GET /")).status == 200
    assert caplog.messages == []
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("request_line", ["HEAD / HTTP/3.7", "HEAD ?x HTTP/1.1"])
async def test_a_refused_head_is_answered_without_a_body(request_line: str) -> None:
    async with live(an_app()) as server, connected(server.address) as client:
        answer = await client.answer(f"{request_line}\r\nHost: a\r\n\r\n".encode())
        assert answer.status in {400, 505}
        assert int(answer.headers["content-length"]) > 0
        assert await client.is_closed_by_server()


async def test_what_is_refused_has_the_headers_that_the_app_gives_to_all() -> None:
    headers = ((b"x-content-type-options", b"nosniff"), (b"x-frame-options", b"DENY"))
    for refused in (b"\0\xff\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", PREFACE):
        async with live(an_app(), refusal_headers=headers) as server, connected(server.address) as client:
            answer = await client.answer(refused)
            names = {
                "content-type",
                "content-length",
                "connection",
                "date",
                "x-content-type-options",
                "x-frame-options",
            }
            assert set(answer.headers) == names
            assert answer.headers["x-frame-options"] == "DENY"
            async with connected(server.address) as other:
                assert "x-frame-options" not in (await other.answer("GET /")).headers


@pytest.mark.parametrize("target", ["/?", "//", "/%2e%2e/", "/%00", "/%ff", "http://elsewhere/", "http://elsewhere"])
async def test_an_odd_target_is_the_apps_to_answer(target: str, caplog: pytest.LogCaptureFixture) -> None:
    async with live(an_app()) as server, connected(server.address) as client:
        assert (await client.answer(f"GET {target}")).status in {200, 308, 404}
    assert caplog.messages == []


async def test_no_answer_names_the_server_software() -> None:
    async with live(an_app()) as server, connected(server.address) as client:
        assert set((await client.answer("GET /")).headers) == {"content-type", "content-length", "date"}


@pytest.mark.skipif(sys.platform != "linux", reason="the options' inheritance is Linux' own")
async def test_each_accepted_connection_has_the_listeners_options() -> None:
    (listener,) = bind_tcp("127.0.0.1", 0)
    try:
        with socket.create_connection((listener.address.host, listener.address.port)):
            listener.socket.settimeout(10)
            accepted, _ = listener.socket.accept()
            with accepted:
                options = [socket.TCP_NODELAY, socket.TCP_NOTSENT_LOWAT, socket.TCP_USER_TIMEOUT]
                values = [accepted.getsockopt(socket.IPPROTO_TCP, option) for option in options]
                assert values == [1, NOTSENT_LOWAT_BYTES, USER_TIMEOUT_MS]
    finally:
        listener.close()


def test_a_system_without_these_options_is_served_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in ("TCP_NOTSENT_LOWAT", "TCP_USER_TIMEOUT"):
        monkeypatch.delattr(socket, option)
    (listener,) = bind_tcp("127.0.0.1", 0)
    listener.close()


async def serve_at(
    app: Quart,
    *,
    host: str | None = None,
    port: int = 0,
    unix_socket: Path | None = None,
    fds: tuple[int, ...] = (),
) -> tuple[Address, ...]:
    """Serves until one request to the first address was answered; all addresses."""
    stop = asyncio.Event()
    seen: list[Address] = []

    def on_listening(addresses: tuple[Address, ...]) -> None:
        seen.extend(addresses)
        asking.set_result(asyncio.create_task(ask(addresses[0])))

    async def ask(address: Address) -> None:
        try:
            async with connected(address) as client:
                assert (await client.answer("GET /")).status == 200
        finally:
            stop.set()

    asking: asyncio.Future[asyncio.Task[None]] = asyncio.get_running_loop().create_future()
    await serve(
        app,
        host=host,
        port=port,
        unix_socket=unix_socket,
        fds=fds,
        stop=stop,
        before_stop=nothing,
        on_listening=on_listening,
    )
    await (await asking)
    return tuple(seen)


async def test_a_taken_port_is_named_with_a_remedy_before_the_app_starts() -> None:
    app = an_app()
    started: list[bool] = []

    @app.before_serving
    async def start() -> None:
        started.append(True)

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError) as caught:
            await serve_at(app, host="127.0.0.1", port=port)
    assert (caught.value.host, caught.value.port) == ("127.0.0.1", port)
    assert f"port {port} on 127.0.0.1 is taken" in str(caught.value)
    assert "choose another port" in str(caught.value)
    assert started == []
    assert await serve_at(app, host="127.0.0.1", port=port) == (Address("127.0.0.1", port),)
    assert started == [True]


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1", "a\0b", "x" * 300])
def test_a_host_that_is_not_of_this_machine_is_refused_with_the_systems_words(host: str) -> None:
    with pytest.raises(AddressUnusableError, match="the host must be an address of this machine") as caught:
        bind_tcp(host, 0)
    assert caught.value.reason


async def test_localhost_is_each_of_its_addresses_on_one_port() -> None:
    addresses = await serve_at(an_app(), host="localhost")
    assert len({address.port for address in addresses}) == 1
    assert {address.host for address in addresses} <= {"127.0.0.1", "::1"}
    assert str(addresses[0]).startswith("http://")


def test_an_address_reads_as_a_person_would_type_it(tmp_path: Path) -> None:
    assert str(Address("127.0.0.1", 80)) == "http://127.0.0.1:80"
    assert str(Address("::1", 80)) == "http://[::1]:80"
    assert str(Address("", 0, tmp_path / "x")) == f"unix:{tmp_path}/x"


async def test_a_unix_socket_is_for_owner_and_group_and_goes_with_the_server(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    app, modes = an_app(), []

    @app.before_request
    async def look() -> None:
        modes.append(stat.S_IMODE(path.stat().st_mode))

    assert await serve_at(app, unix_socket=path) == (Address("", 0, path),)
    assert modes == [0o660]
    assert not path.exists()


async def test_tcp_and_a_unix_socket_are_served_together(tmp_path: Path) -> None:
    first, second = await serve_at(an_app(), host="127.0.0.1", unix_socket=tmp_path / "s")
    assert (first.path, second.path) == (None, tmp_path / "s")


async def test_a_socket_file_left_by_a_dead_server_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    await serve_at(an_app(), unix_socket=path)


def test_a_socket_on_which_somebody_listens_is_left_alone_also_with_a_full_backlog(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen(0)
        for _ in range(3):  # each try leaves one more in the backlog
            with pytest.raises(SocketPathError, match="another server listens on it"):
                bind_unix(path)
        assert path.exists()


def test_the_socket_file_of_a_successor_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    first = bind_unix(path)
    path.rename(tmp_path / "kept")  # keeps the inode's number from being used again
    second = bind_unix(path)
    first.close()
    assert path.exists()
    second.close()
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("file", "something that is not a socket has this name"),
        ("none/app.sock", "No such file or directory"),
        ("x" * 120, "path too long"),
        ("file/app.sock", "Not a directory"),
    ],
)
def test_a_path_that_cannot_be_a_socket_is_refused_and_nothing_removed(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SocketPathError, match=words) as caught:
        bind_unix(tmp_path / name)
    assert caught.value.path == tmp_path / name
    assert (tmp_path / "file").read_text() == "mine"


async def test_a_socket_path_that_fails_leaves_no_port_bound(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SocketPathError):
        await serve_at(an_app(), host="127.0.0.1", unix_socket=tmp_path / "file")


async def test_a_socket_bound_by_a_supervisor_is_served(tmp_path: Path) -> None:
    tcp = socket.create_server(("127.0.0.1", 0))
    port = tcp.getsockname()[1]
    assert await serve_at(an_app(), fds=(tcp.detach(),)) == (Address("127.0.0.1", port),)
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(tmp_path / "s"))
    unix.listen()
    assert await serve_at(an_app(), fds=(unix.detach(),)) == (Address("", 0, tmp_path / "s"),)
    assert (tmp_path / "s").exists()  # the supervisor's, not ours to remove


def test_a_descriptor_that_is_no_stream_socket_is_refused_and_left_open(tmp_path: Path) -> None:
    with (tmp_path / "x").open("w") as file, pytest.raises(InheritedSocketError, match="no socket to listen on"):
        inherit(file.fileno())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        with pytest.raises(InheritedSocketError, match="not a stream socket") as caught:
            inherit(datagrams.fileno())
        assert caught.value.fd == datagrams.fileno()
        os.fstat(datagrams.fileno())


async def test_the_app_starts_before_clients_and_ends_after_them() -> None:
    app, story = an_app(), []

    @app.before_serving
    async def start() -> None:
        story.append("start")

    @app.after_serving
    async def end() -> None:
        story.append("end")

    @app.before_request
    async def ask() -> None:
        story.append("request")

    async def before_stop() -> None:
        story.append("before stop")

    async with live(app, before_stop) as server, connected(server.address) as client:
        await client.answer("GET /")
    assert story == ["start", "request", "before stop", "end"]


async def test_an_app_that_fails_to_start_fails_serve_and_nothing_listens() -> None:
    app = an_app()

    @app.before_serving
    async def start() -> None:
        raise LookupError("no such thing")

    heard: list[object] = []
    with pytest.raises(LifespanFailureError, match="no such thing"):
        await serve(
            app,
            host="127.0.0.1",
            stop=asyncio.Event(),
            before_stop=nothing,
            on_listening=heard.append,
        )
    assert heard == []


def test_a_listener_that_is_closed_frees_its_port() -> None:
    (first,) = bind_tcp("127.0.0.1", 0)
    port = first.address.port
    with pytest.raises(PortTakenError):
        bind_tcp("127.0.0.1", port)
    first.close()
    (again,) = bind_tcp("127.0.0.1", port)
    assert isinstance(again, Listener)
    again.close()
