"""How often one may guess, in a time that the test makes."""

from __future__ import annotations

from logstream.access import LoginLimits
from logstream.access.limits import SECONDS_A_TRY, TRIES_A_USER, TRIES_AN_ADDRESS


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_one_address_may_guess_so_often_and_then_once_in_a_while() -> None:
    clock = Clock()
    limits = LoginLimits(clock)
    assert [limits.take("9.9.9.9", f"u{number}") for number in range(TRIES_AN_ADDRESS)] == [0] * TRIES_AN_ADDRESS
    assert limits.take("9.9.9.9", "another") == SECONDS_A_TRY
    clock.seconds += SECONDS_A_TRY - 1
    assert limits.take("9.9.9.9", "another") == 1
    clock.seconds += 1
    assert limits.take("9.9.9.9", "another") == 0
    assert limits.take("9.9.9.9", "another") == SECONDS_A_TRY
    clock.seconds += 10_000
    assert [limits.take("9.9.9.9", f"v{number}") for number in range(TRIES_AN_ADDRESS + 1)].count(0) == TRIES_AN_ADDRESS


def test_one_user_is_guessed_at_so_often_from_however_many_addresses() -> None:
    limits = LoginLimits(Clock())
    found = [limits.take(f"9.9.{number}.9", "alice") for number in range(TRIES_A_USER + 5)]
    assert found.count(0) == TRIES_A_USER
    assert limits.take("8.8.8.8", "bob") == 0


def test_the_right_password_is_no_guess() -> None:
    limits = LoginLimits(Clock())
    for _ in range(100):
        assert limits.take("9.9.9.9", "alice") == 0
        limits.give_back("9.9.9.9", "alice")


def test_a_refused_try_takes_nothing_from_the_user() -> None:
    limits = LoginLimits(Clock())
    for _ in range(TRIES_AN_ADDRESS + 50):
        limits.take("9.9.9.9", "somebody")
    assert limits.take("8.8.8.8", "alice") == 0
    for number in range(50):
        limits.take("9.9.9.9", "alice" if number % 2 else "bob")
    assert [limits.take(f"7.7.{number}.7", "alice") for number in range(TRIES_A_USER - 1)] == [0] * (TRIES_A_USER - 1)


def test_the_addresses_of_one_network_count_as_one_and_forms_of_an_address_too() -> None:
    limits = LoginLimits(Clock())
    found = [limits.take(f"2001:db8::{number:x}", f"u{number}") for number in range(TRIES_AN_ADDRESS + 1)]
    assert found.count(0) == TRIES_AN_ADDRESS
    assert limits.take("2001:db8:0:1::1", "alice") == 0
    limits = LoginLimits(Clock())
    forms = ["::ffff:9.9.9.9", "9.9.9.9"] * TRIES_AN_ADDRESS
    assert [limits.take(form, f"u{number}") for number, form in enumerate(forms)].count(0) == TRIES_AN_ADDRESS


def test_the_tables_stay_small_and_a_flood_from_one_address_pushes_nobody_out() -> None:
    limits = LoginLimits(Clock(), most_entries=8)
    for number in range(TRIES_A_USER):
        assert limits.take(f"1.1.{number}.1", "alice") == 0
    for number in range(1_000):
        limits.take("9.9.9.9", f"u{number}")
    assert "addresses=8" in repr(limits)
    # The flood had one address's tries, and alice's budget is among the last used still, or has been made room for.
    flood = LoginLimits(Clock(), most_entries=TRIES_AN_ADDRESS + 2)
    for number in range(TRIES_A_USER):
        flood.take(f"1.1.{number}.1", "alice")
    for number in range(1_000):
        flood.take("9.9.9.9", f"u{number}")
    assert flood.take("8.8.8.8", "alice") == SECONDS_A_TRY
