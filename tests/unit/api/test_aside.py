from __future__ import annotations

import threading

import pytest

from logstream.api.aside import Aside, BusyError, TookTooLongError


async def test_what_the_work_returns_or_raises_comes_back() -> None:
    aside = Aside()

    assert await aside.run(lambda: 42) == 42
    with pytest.raises(ZeroDivisionError):
        await aside.run(lambda: 1 // 0)


async def test_work_that_takes_too_long_is_given_up_and_holds_its_slot_until_it_ends() -> None:
    aside = Aside(at_once=1, patience_seconds=0.05)
    end = threading.Event()
    with pytest.raises(TookTooLongError, match="simpler"):
        await aside.run(end.wait)
    with pytest.raises(BusyError):
        await aside.run(lambda: 1)
    end.set()
    patient = Aside(at_once=1)
    patient._slots = aside._slots

    assert await patient.run(lambda: 2) == 2


async def test_work_runs_beside_the_loop() -> None:
    loop_thread = threading.get_ident()

    assert await Aside().run(threading.get_ident) != loop_thread
