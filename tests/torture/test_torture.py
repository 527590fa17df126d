"""A few short tortures, the same ones in each run of CI; `make torture` goes on for as long as it is told to."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.overlay import overlay
from tests.torture.machine import Torture
from tests.torture.reach import TODAY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BRIEF = settings(
    max_examples=3,
    stateful_step_count=30,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class FullDiskTorture(Torture):
    """The same, with a state directory whose disk is full now and then."""

    reach = TODAY._replace(fills_the_disk=True)


class ContainerTorture(Torture):
    """The same, with all files on an overlayfs."""


@pytest.fixture(name="_container")
def _beneath_a_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with overlay(tmp_path) as directory:
        monkeypatch.setattr(tempfile, "tempdir", str(directory))
        yield


TestTorture = pytest.mark.timeout(240)(Torture.TestCase)
TestTorture.settings = BRIEF
TestFullDiskTorture = pytest.mark.timeout(240)(FullDiskTorture.TestCase)
TestFullDiskTorture.settings = settings(BRIEF, max_examples=2, stateful_step_count=20)
TestContainerTorture = pytest.mark.usefixtures("_container")(pytest.mark.timeout(240)(ContainerTorture.TestCase))
TestContainerTorture.settings = BRIEF
