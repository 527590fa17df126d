"""A few short tortures, the same ones in each run of CI; `make torture` goes on for as long as it is told to."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.torture.machine import Torture

TestTorture = pytest.mark.timeout(240)(Torture.TestCase)
TestTorture.settings = settings(
    max_examples=3,
    stateful_step_count=40,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
