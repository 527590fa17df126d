"""Which seeds a torture goes through."""

from __future__ import annotations

from itertools import islice

from tests.torture.__main__ import seeds_from


def test_tortures_with_seeds_side_by_side_have_no_round_in_common_and_the_first_is_what_was_asked_for() -> None:
    one, other = (list(islice(seeds_from(first), 200)) for first in (7, 8))
    assert (one[0], other[0]) == (7, 8)
    assert len({*one, *other}) == 400
    assert one == list(islice(seeds_from(7), 200))
