from __future__ import annotations

import re

from logstream.tail.batch import display, new_key


def test_keys_are_random_and_fit_into_an_id() -> None:
    keys = {new_key() for _ in range(1000)}
    assert len(keys) == 1000
    assert all(re.fullmatch("[a-z2-7]{8}", key) for key in keys)


def test_what_is_displayed_is_always_text() -> None:
    assert display("/var/log/app.log") == "/var/log/app.log"
    assert display("/caf\udce9.log") == "/caf\ufffd.log"
    assert display("/caf\u00e9.log") == "/caf\u00e9.log"
