"""Starting, reloading, limiting and stopping the real service."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.running import PATIENCE_SECONDS, SOURCES, Service, Stream, StreamEndedError, eventually, running

if TYPE_CHECKING:
    from collections.abc import Iterator


def refused(service: Service, **environ: str) -> subprocess.CompletedProcess[str]:
    """Try to start a second process with the same configuration; it must end by itself, however long that takes."""
    return subprocess.run(
        [sys.executable, "-m", "logstream", "serve", "--config", str(service.directory / "config.toml")],
        env={**os.environ, "LOGSTREAM_SERVER__PORT": "0", **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_reload_changes_rules_and_sources_without_dropping_a_stream(tmp_path: Path) -> None:
    """Conformance: H10."""
    with running(tmp_path) as service, service.stream() as stream:
        stream.expect("ping")
        service.write("a.log", "before")
        assert stream.texts(1) == ["before"]
        rule = '[[rule]]\nname = "quiet"\nmatch = "noise"\naction = "drop"\n'
        other = '[[source]]\nname = "other"\npaths = ["other/*.log"]\n'
        (tmp_path / "config.toml").write_text(service.config + other + rule)
        service.signal(signal.SIGHUP)
        eventually(lambda: "reloaded: 2 sources, 1 rules" in service.stderr)
        service.write("a.log", "noise", "after")
        assert stream.texts(1) == ["after"]
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "b.log").write_text("from the new source\n")
        assert stream.texts(1) == ["from the new source"]


def refusal(service: Service) -> str:
    """Why a stream of the source `other` is refused; empty if it is not."""
    with service.stream(source="other") as stream:
        return str(json.loads(stream.body())["detail"]) if stream.status == 404 else ""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_reload_that_takes_a_source_away_tells_those_who_asked_for_it_and_cuts_nobody_else(
    tmp_path: Path, workers: str
) -> None:
    other = '[[source]]\nname = "other"\npaths = ["other/*.log"]\n'
    # Nothing else would wake them for an hour.
    config = f"[stream]\nheartbeat_seconds = 3600\n{SOURCES}"
    with (
        running(tmp_path, config + other, LOGSTREAM_SERVER__WORKERS=workers) as service,
        service.stream(source="other") as of_other,
        service.stream(source="other") as of_other_too,
        service.stream(source="*") as of_all,
        service.stream(source="app") as of_app,
    ):
        assert sorted(of_all.expect("ping").json["sources"]) == ["app", "other"]
        (tmp_path / "config.toml").write_text(f'[state]\ndir = "state"\n{config}')
        service.signal(signal.SIGHUP)
        for stream in (of_other, of_other_too):
            reason = stream.expect("bye").json["reason"]
            assert reason == "no source matches 'other' any more, the configuration has changed: connect again"
        # Each process takes the sources over by itself.
        eventually(lambda: refusal(service) == "no source matches 'other'; there are: app")
        service.write("a.log", "still here")
        assert of_all.texts(1) == of_app.texts(1) == ["still here"]


def test_a_bad_reload_keeps_what_was_and_says_so(tmp_path: Path) -> None:
    with running(tmp_path) as service, service.stream() as stream:
        stream.expect("ping")
        (tmp_path / "config.toml").write_text(service.config.replace("paths", "pats"))
        service.signal(signal.SIGHUP)
        eventually(lambda: "reload refused" in service.stderr)
        assert "pats" in service.stderr
        service.write("a.log", "still here")
        assert stream.texts(1) == ["still here"]


@pytest.fixture(name="supervisor")
def _supervisor(tmp_path: Path) -> Iterator[socket.socket]:
    """The end of the talk that systemd has."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(PATIENCE_SECONDS)
        yield sock


def heard_until(supervisor: socket.socket, *wanted: str) -> list[str]:
    """What the supervisor hears, in order, until each of `wanted` has begun a message."""
    heard, left = [], list(wanted)
    while left:
        heard.append(supervisor.recv(1000).decode())
        if heard[-1].startswith(left[0]):
            del left[0]
    return heard


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_supervisor_hears_that_each_reload_is_over_whatever_came_of_it(
    tmp_path: Path, supervisor: socket.socket, workers: str
) -> None:
    """Else systemd would wait for it until it gives the service up."""
    environ = {"NOTIFY_SOCKET": supervisor.getsockname(), "LOGSTREAM_SERVER__WORKERS": workers}
    with running(tmp_path, **environ) as service, service.stream() as stream:
        stream.expect("ping")
        heard_until(supervisor, "READY=1\nSTATUS=watching 1 source")
        config = tmp_path / "config.toml"
        for text, answer in (
            (service.config.replace("paths", "pats"), "READY=1\nSTATUS=the reload was refused"),
            (None, "READY=1\nSTATUS=the reload was refused"),
            (service.config, "READY=1\nSTATUS=watching 1 source"),
        ):
            config.unlink()
            if text is not None:
                config.write_text(text)
            else:
                config.mkdir()
            service.signal(signal.SIGHUP)
            heard_until(supervisor, "RELOADING=1\nMONOTONIC_USEC=", answer)
            if text is None:
                config.rmdir()
                config.touch()
            service.write("a.log", "still here")
            assert stream.texts(1) == ["still here"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_hangup_while_the_service_starts_does_not_end_it_and_is_a_reload_once_it_runs(
    tmp_path: Path, supervisor: socket.socket, workers: str
) -> None:
    """It may have read the configuration before that was changed. Before it is ready, no supervisor hears of it."""
    path = tmp_path / "config.toml"
    path.write_text(f'{SOURCES}[server]\nport = 0\nworkers = {workers}\n[state]\ndir = "state"\n')
    with subprocess.Popen(
        [sys.executable, "-m", "logstream", "serve", "--config", str(path)],
        env={**os.environ, "NOTIFY_SOCKET": supervisor.getsockname()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            eventually(lambda: holds_back(process.pid, signal.SIGHUP))
            for _ in range(3):
                process.send_signal(signal.SIGHUP)
            heard = heard_until(supervisor, "READY=1")
            process.send_signal(signal.SIGHUP)
            heard += heard_until(supervisor, "READY=1")
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=PATIENCE_SECONDS)
        finally:
            process.kill()
    assert process.returncode == 0
    assert said.count("reloaded: 1 sources") == 2
    assert [message.partition("=")[0] for message in heard if not message.startswith("WATCHDOG")] == [
        "READY",
        "RELOADING",
        "READY",
    ]
    assert "Traceback" not in said


def holds_back(pid: int, number: signal.Signals) -> bool:
    """Whether a signal waits that is sent to a process, proc(5)."""
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return bool(int(status["SigBlk"], 16) >> (number - 1) & 1)


def test_a_taken_port_is_named_with_a_remedy(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        answer = refused(
            service, LOGSTREAM_STATE__DIR=str(tmp_path / "other"), LOGSTREAM_SERVER__PORT=str(service.port)
        )

    assert answer.returncode in {1, 2}
    assert str(service.port) in answer.stderr
    assert "Traceback" not in answer.stderr


def is_listened_on(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


@pytest.mark.parametrize("is_full", [True, False], ids=["full disk", "reader that left"])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_service_serves_though_nobody_can_be_told_where(tmp_path: Path, workers: str, *, is_full: bool) -> None:
    path = tmp_path / "logstream.sock"
    (tmp_path / "config.toml").write_text(f'[server]\nunix_socket = "logstream.sock"\n{SOURCES}')
    reader, writer = os.pipe()
    os.close(reader)
    output = os.open("/dev/full", os.O_WRONLY) if is_full else os.dup(writer)
    command = [sys.executable, "-m", "logstream", "serve", "--config", str(tmp_path / "config.toml")]
    with subprocess.Popen(
        [*command, "--workers", workers], stdout=output, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            eventually(lambda: is_listened_on(path))
            with Stream(path, "/api/v1/stream") as stream:
                assert stream.event().type == "hello"
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
            os.close(writer)
            os.close(output)
    assert process.returncode == 0
    assert f"standard output takes nothing ({'No space left on device' if is_full else 'Broken pipe'})" in said
    assert f"listening on unix:{path}" in said
    assert "Traceback" not in said


def test_a_second_service_on_one_state_directory_is_refused(tmp_path: Path) -> None:
    """Conformance: H8."""
    with running(tmp_path) as service:
        answer = refused(service)
        assert service.process is not None
        assert f"process {service.process.pid}" in answer.stderr

    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr


def test_a_state_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """Conformance: H5."""
    with running(tmp_path) as service:
        (tmp_path / "file").write_text("")
        answer = refused(service, LOGSTREAM_STATE__DIR=str(tmp_path / "file"))

    assert answer.returncode == 2
    assert "not writable" in answer.stderr


def test_a_bad_configuration_starts_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        (tmp_path / "config.toml").write_text(
            service.config + '[[rule]]\nname = "x"\nmatch = "(?=a)"\nactoin = "drop"\n'
        )
        answer = refused(service, LOGSTREAM_STATE__DIR=str(tmp_path / "never"))

    assert answer.returncode == 2
    assert "look-" in answer.stderr
    assert "actoin" in answer.stderr
    assert not (tmp_path / "never").exists()


def test_limits_answer_429_per_client_and_503_for_all_with_retry_after(tmp_path: Path) -> None:
    config = f"[stream]\nmax_connections = 3\nmax_connections_per_client = 2\n{SOURCES}"
    with running(tmp_path, config) as service:
        with service.stream() as one, service.stream() as two:
            one.expect("ping")
            two.expect("ping")
            with service.stream() as third:
                assert third.status == 429
                assert int(third.headers["retry-after"]) >= 1
        eventually(lambda: _status(service) == 200)

    config = f"[stream]\nmax_connections = 1\nmax_connections_per_client = 1\n{SOURCES}"
    with running(tmp_path, config) as service, service.stream() as one:
        one.expect("ping")
        with service.stream() as second:
            assert second.status == 503


def _status(service: Service) -> int:
    with service.stream() as stream:
        return stream.status


def test_sigterm_says_bye_ends_all_streams_and_exits_zero_in_time(tmp_path: Path) -> None:
    """Conformance: H11."""
    with running(tmp_path) as service:
        service.write("a.log", *["x" * 100] * 100_000)
        service.wait_until_ready()
        stuck = service.stream(receive_bytes=4_096, from_="start")
        streams = [service.stream() for _ in range(99)]
        for stream in streams:
            stream.expect("ping")
        assert service.process is not None
        began = time.monotonic() - service.core_wait_seconds()  # what a busy machine kept it waiting does not count
        service.signal(signal.SIGTERM)
        os.waitid(os.P_PID, service.process.pid, os.WEXITED | os.WNOWAIT)
        took_seconds = time.monotonic() - service.core_wait_seconds() - began
        code = service.stop()
        byes = [stream.expect("bye") for stream in streams]
        for stream in streams:
            with pytest.raises(StreamEndedError):
                stream.event()
            stream.cut()
        stuck.cut()

    assert code == 0
    assert took_seconds < 2.5
    assert {bye.json["reason"] for bye in byes} != {""}
    assert len({bye.json["retry_ms"] for bye in byes}) > 10, "they must not all come back at once"
    assert "Traceback" not in service.stderr


def test_cleartext_http2_is_refused(tmp_path: Path) -> None:
    with running(tmp_path) as service, socket.create_connection(("127.0.0.1", service.port), 10) as client:
        client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        answer = client.recv(1_000)

    assert not answer.startswith(b"\x00")
    assert answer == b"" or answer.startswith(b"HTTP/1.1 ")


def test_the_service_runs_below_a_root_path_and_on_a_unix_socket(tmp_path: Path) -> None:
    with running(tmp_path, f'[server]\nroot_path = "/logs"\n{SOURCES}') as service:
        assert service.get("/logs/healthz").status_code == 200
        moved = service.get("/logs")
        assert (moved.status_code, moved.headers["location"]) == (308, "/logs/")
        assert service.get("/logsmith/healthz").status_code == 404
        assert service.get("/healthz").status_code == 200


def test_files_that_cannot_be_tailed_block_nothing(tmp_path: Path) -> None:
    """Conformance: F4, F9."""
    (tmp_path / "logs").mkdir()
    os.mkfifo(tmp_path / "logs" / "pipe.log")
    (tmp_path / "logs" / "dir.log").mkdir()
    (tmp_path / "logs").joinpath(os.fsdecode(b"caf\xe9.log")).write_bytes(b"from a strange name\n")
    with running(tmp_path) as service:
        service.wait_until_ready()
        with service.stream(from_="start") as stream:
            record = stream.records(1)[0]
            service.write("a.log", "fine")
            assert stream.texts(1) == ["fine"]

    assert record["text"] == "from a strange name"
    assert record["file"].endswith("caf\ufffd.log")


def test_the_format_of_each_file_is_told(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        service.write("a.log", '{"level":"info"}', '{"level":"warn"}')
        service.write("b.log", "level=info a=1", "level=info a=2")
        service.write("c.log", "INFO plain")
        for name in ("a.log", "b.log", "c.log"):
            service.wait_until_read(name)
        (source,) = service.get("/api/v1/sources").json()["sources"]

    assert {Path(file["file"]).name: file["format"] for file in source["files"]} == {
        "a.log": "json",
        "b.log": "logfmt",
        "c.log": "plain",
    }


def figures(service: Service) -> dict[str, float]:
    text = service.get("/metrics").text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {f"{sample.name} {','.join(sample.labels.values())}".strip(): sample.value for sample in samples}


def test_metrics_tell_what_the_service_does(tmp_path: Path) -> None:
    rule = '[[rule]]\nname = "loud"\nmatch = "loud"\n'
    with running(tmp_path, SOURCES + rule) as service:
        service.wait_until_ready()
        with service.stream(q="loud", source="app") as stream:
            stream.expect("ping")
            service.write("a.log", "loud 1", "quiet", "loud 2")
            assert stream.texts(2) == ["loud 1", "loud 2"]
            eventually(lambda: figures(service)["logstream_rule_hits_total loud"] == 2)
            found = figures(service)
        eventually(lambda: figures(service)["logstream_streams_open"] == 0)

    assert found["logstream_ready"] == 1
    assert found["logstream_source_lag_bytes app"] == 0
    assert found["logstream_source_read_lines_total app"] == 3
    assert found["logstream_source_read_bytes_total app"] == len("loud 1\nquiet\nloud 2\n")
    assert found["logstream_rule_tried_lines_total loud"] == 3
    assert found["logstream_view_hits_total loud,line,app"] == 2
    assert (found["logstream_streams_open"], found["logstream_streams_opened_total"]) == (1, 1)
    assert found["logstream_sent_records_total"] == 2
    assert found["logstream_sent_bytes_total"] > 0
    assert found["logstream_state_bytes"] > 0


def test_a_download_that_a_stop_cuts_short_does_not_look_whole_and_is_one_line_in_the_log(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        service.write("a.log", *("x" * 1000 for _ in range(20_000)))
        service.wait_until_read("a.log")
        with httpx.stream("GET", service.url + "/api/v1/export", timeout=PATIENCE_SECONDS) as response:
            chunks = response.iter_raw(1000)
            next(chunks)
            service.signal(signal.SIGTERM)
            with pytest.raises(httpx.RemoteProtocolError):
                for _ in chunks:
                    pass
        service.stop()
        assert "an export was cut short" in service.stderr
        assert "Traceback" not in service.stderr
