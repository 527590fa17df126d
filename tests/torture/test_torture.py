"""A few short tortures, the same ones in each run of CI; `make torture` goes on for as long as it is told to."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.torture.machine import Torture
from tests.torture.reach import TODAY

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


TestTorture = pytest.mark.timeout(240)(Torture.TestCase)
TestTorture.settings = BRIEF
TestFullDiskTorture = pytest.mark.timeout(240)(FullDiskTorture.TestCase)
TestFullDiskTorture.settings = settings(BRIEF, max_examples=2, stateful_step_count=20)
