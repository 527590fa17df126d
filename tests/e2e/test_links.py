"""A log that is a symbolic link, as glog keeps them, led on from file to file while the service is down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.running import Service, running

if TYPE_CHECKING:
    from pathlib import Path

SEVERITIES = ("INFO", "WARNING")
LINKS = """
[[source]]
name = "info"
paths = ["logs/app.INFO"]

[[source]]
name = "warning"
paths = ["logs/app.WARNING"]
"""


class Program:
    """Writes as glog does: a file of each severity at each start, and a link to the newest of each."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._starts = 0
        self._lines = 0
        self.texts: dict[str, list[str]] = {severity: [] for severity in SEVERITIES}

    def start(self) -> None:
        self._starts += 1
        logs = self._service.logs
        for severity in SEVERITIES:
            (logs / self.name(severity)).touch()
            fresh = logs / "fresh-link"
            fresh.symlink_to(self.name(severity))
            fresh.rename(logs / f"app.{severity}")
            self.write(severity)

    def name(self, severity: str) -> str:
        return f"app.host.root.log.{severity}.20261128-{100_000 + self._starts}.{9_000 - 7 * self._starts}"

    def write(self, severity: str) -> None:
        lines = [f"{severity[0]}1128 {self._starts} #{self._lines + n}" for n in range(3)]
        self._lines += 3
        self.texts[severity] += lines
        self._service.write(self.name(severity), *lines)


@pytest.mark.parametrize("how", ["kill", "stop"])
@pytest.mark.parametrize("starts", [1, 2, 3])
def test_no_line_is_lost_behind_a_link_that_is_led_on_while_the_service_is_down(
    tmp_path: Path, starts: int, how: str
) -> None:
    """Conformance: A3, D10."""
    with running(tmp_path, LINKS) as service:
        program = Program(service)
        program.start()
        told: dict[str, list[str]] = {severity: [] for severity in SEVERITIES}
        last: dict[str, str | None] = {}
        for severity in SEVERITIES:
            with service.stream(from_="start", source=severity.lower()) as stream:
                told[severity] += stream.texts(3)
                last[severity] = stream.last_id
        if how == "kill":
            service.kill()
        else:
            service.stop()
        for _ in range(starts):
            for severity in SEVERITIES:
                program.write(severity)
            program.start()
        service.start()
        for severity in SEVERITIES:
            with service.stream(last[severity], source=severity.lower()) as stream:
                told[severity] += stream.texts(len(program.texts[severity]) - 3)
                last[severity] = stream.last_id
            assert told[severity] == program.texts[severity]
        service.kill()
        service.start()
        for severity in SEVERITIES:
            program.write(severity)
            with service.stream(last[severity], source=severity.lower()) as stream:
                assert stream.texts(3) == program.texts[severity][-3:]
            with service.stream(from_="start", source=severity.lower()) as stream:
                assert stream.texts(len(program.texts[severity])) == program.texts[severity]
