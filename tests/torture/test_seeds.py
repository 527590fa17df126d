"""Which seeds a torture goes through."""

from __future__ import annotations

from itertools import islice

from tests.torture.__main__ import reach_of, seeds_from
from tests.torture.reach import TODAY


def test_tortures_with_seeds_side_by_side_have_no_round_in_common_and_the_first_is_what_was_asked_for() -> None:
    one, other = (list(islice(seeds_from(first), 200)) for first in (7, 8))
    assert (one[0], other[0]) == (7, 8)
    assert len({*one, *other}) == 400
    assert one == list(islice(seeds_from(7), 200))


def test_the_disk_of_the_state_fills_up_with_every_fourth_seed_where_one_can_be_mounted() -> None:
    assert [one for one in range(12) if reach_of(one, TODAY, is_root=True).fills_the_disk] == [3, 7, 11]
    assert not any(reach_of(one, TODAY, is_root=False).fills_the_disk for one in range(12))
    assert reach_of(0, TODAY._replace(fills_the_disk=True), is_root=True).fills_the_disk
