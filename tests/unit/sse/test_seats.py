from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from logstream.sse.seats import Full, Seat, Seats

LIMIT, LIMIT_PER_CLIENT = 4, 2


def taken(seats: Seats, client: str) -> Seat:
    seat = seats.take(client)
    assert isinstance(seat, Seat)
    return seat


def test_the_limit_of_a_client_leaves_room_for_others() -> None:
    seats = Seats(LIMIT, LIMIT_PER_CLIENT)
    taken(seats, "a")
    taken(seats, "a")
    assert seats.take("a") == Full(LIMIT_PER_CLIENT, "client")
    taken(seats, "b")
    taken(seats, "b")
    assert seats.take("c") == Full(LIMIT, "server")


def test_a_seat_is_given_back_once_however_often_it_is_said() -> None:
    seats = Seats(LIMIT, LIMIT_PER_CLIENT)
    first, _second = taken(seats, "a"), taken(seats, "a")
    first.release()
    first.release()
    first.lapse()
    assert seats.taken == 1


def test_a_body_that_has_begun_does_not_lapse() -> None:
    seats = Seats(LIMIT, LIMIT_PER_CLIENT)
    seat = taken(seats, "a")
    seat.begin()
    seat.lapse()
    assert seats.taken == 1


def test_a_body_that_begins_after_its_seat_lapsed_counts_again() -> None:
    seats = Seats(LIMIT, LIMIT_PER_CLIENT)
    seat = taken(seats, "a")
    seat.lapse()
    assert seats.taken == 0
    seat.begin()
    assert seats.taken == 1
    seat.release()
    assert seats.taken == 0


def test_clients_without_streams_are_forgotten() -> None:
    seats = Seats(LIMIT, LIMIT_PER_CLIENT)
    for number in range(100):
        taken(seats, str(number)).release()
    assert repr(seats) == "<Seats 0/4 clients=0>"


@given(st.lists(st.tuples(st.sampled_from(["take", "lapse", "release"]), st.integers(0, 5))))
def test_the_limits_hold_in_any_order_of_coming_and_going(steps: list[tuple[str, int]]) -> None:
    seats = Seats(LIMIT, LIMIT_PER_CLIENT)
    held: list[tuple[str, Seat]] = []
    for step, number in steps:
        if step == "take":
            client = "abc"[number % 3]
            if isinstance(seat := seats.take(client), Seat):
                held.append((client, seat))
        elif held:
            _client, seat = held.pop(number % len(held))
            seat.lapse() if step == "lapse" else seat.release()
        by_client = Counter(client for client, _ in held)
        assert seats.taken == len(held) <= LIMIT
        assert all(count <= LIMIT_PER_CLIENT for count in by_client.values())
