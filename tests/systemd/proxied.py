"""What is asked through a proxy on a throw-away machine: by curl, read as it comes, and by a browser."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.running import OWN_EVENTS, PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.systemd.machine import Machine

NAME = "logs.example.org"
ORIGIN = f"https://{NAME}"
CURL = ("curl", "--silent", "--show-error", "--insecure", "--resolve", f"{NAME}:443:127.0.0.1", "--resolve",
    f"{NAME}:80:127.0.0.1")  # fmt: skip


class Answer(NamedTuple):
    """One answer; header names are in lower case."""

    status: int
    version: str
    headers: dict[str, str]
    body: str


def ask(machine: Machine, url: str, *options: str) -> Answer:
    """One request through the proxy."""
    told = machine.run(*CURL, "--include", "--write-out", "\n%{http_code} %{http_version}", *options, url)
    head, _, rest = told.replace("\r\n", "\n").partition("\n\n")
    body, _, last = rest.rpartition("\n")
    status, version = last.split()
    headers = dict(line.lower().split(": ", 1) for line in head.split("\n")[1:] if ": " in line)
    return Answer(int(status), version, headers, body)


class Follower:
    """A stream through the proxy, as curl reads it."""

    def __init__(self, lines: queue.Queue[str | None]) -> None:
        self._lines = lines
        self.last_id: str | None = None

    def event(self) -> tuple[str, Any]:
        """The next event's type and data; fails when the stream ends."""
        fields: dict[str, str] = {}
        while (line := self._lines.get(timeout=PATIENCE_SECONDS)) != "":
            assert line is not None, "the stream has ended"
            name, _, value = line.partition(": ")
            fields[name] = value
        self.last_id = fields.get("id", self.last_id)
        return (fields.get("event", "message"), json.loads(fields["data"])) if "data" in fields else self.event()

    def expect(self, kind: str) -> Any:  # noqa: ANN401 - any JSON
        """The data of the next event of a type."""
        while (event := self.event())[0] != kind:
            pass
        return event[1]

    def texts(self, count: int) -> list[str]:
        """The texts of the next lines; a gap among them is a failure."""
        found: list[str] = []
        while len(found) < count:
            kind, told = self.event()
            assert kind != "gap", told
            found += [] if kind in OWN_EVENTS else [told["text"]]
        return found

    def wait_for_the_end(self) -> None:
        """Until the stream ends, for whatever reason."""
        while self._lines.get(timeout=PATIENCE_SECONDS) is not None:
            pass


@contextmanager
def following(machine: Machine, url: str, *options: str, last_event_id: str | None = None) -> Iterator[Follower]:
    """A stream that is open."""
    header = ("--header", f"Last-Event-ID: {last_event_id}") if last_event_id else ()
    process = subprocess.Popen(
        ["nsenter", f"--target={machine.init}", "--net", *CURL, "--no-buffer", *header, *options, url],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines: queue.Queue[str | None] = queue.Queue()
    reading = threading.Thread(target=_read, args=(process.stdout, lines))
    reading.start()
    try:
        yield Follower(lines)
    finally:
        process.kill()
        process.wait(PATIENCE_SECONDS)
        reading.join(PATIENCE_SECONDS)
        process.stdout.close()


def _read(pipe: Any, lines: queue.Queue[str | None]) -> None:  # noqa: ANN401 - a text pipe
    for line in pipe:
        lines.put(line.rstrip("\r\n"))
    lines.put(None)


def examined(machine: Machine, environment: Path) -> list[list[str]]:
    """What `logstream doctor` complains of: severity and check of each finding."""
    hosts = machine.path("/etc/hosts").read_text()
    machine.path("/etc/hosts").write_text(f"127.0.0.1 {NAME} localhost\n")
    trusted = f"SSL_CERT_FILE=/etc/letsencrypt/live/{NAME}/fullchain.pem"
    told = machine.run("env", trusted, str(environment / "bin" / "logstream"), "doctor", ORIGIN, "--json", check=False)
    machine.path("/etc/hosts").write_text(hosts)
    faults = {"warning", "error"}
    return [[found["severity"], found["check"]] for found in json.loads(told) if found["severity"] in faults]


def make_certificate(machine: Machine) -> None:
    """A certificate for NAME, good for 90 days, where logstream.conf looks for it."""
    folder = f"/etc/letsencrypt/live/{NAME}"
    machine.path(folder).mkdir(parents=True)
    machine.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-days", "90", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}",
        "-keyout", f"{folder}/privkey.pem", "-out", f"{folder}/fullchain.pem")  # fmt: skip


def browser_inside(machine: Machine, chromium: str, folder: Path) -> Path:
    """A program that starts the browser in the machine's network."""
    program = folder / "chromium"
    program.write_text(f'#!/bin/sh\nexec nsenter --target={machine.init} --net "{chromium}" "$@"\n')
    os.chmod(program, 0o755)  # noqa: PTH101, S103 - a program
    return program
