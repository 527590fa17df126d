"""What has to be unpacked or sought before the service has read what was there at the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from logstream.tail.batch import SourceSpec
from logstream.tail.lineage import Lineage
from logstream.tail.outstanding import Outstanding
from logstream.tail.reader import Reader
from logstream.tail.rotation import Rotated, Sibling
from logstream.tail.slices import at_once

if TYPE_CHECKING:
    from collections.abc import Callable

APP = SourceSpec("app", ("/logs/*.log",))


def with_archive(name: str) -> Lineage:
    lineage = Lineage(APP, f"/logs/{name}.log")
    named = Rotated("after-count", (-1,), is_compressed=True)
    lineage.add_older(Reader.packed(APP, lineage.file, Sibling(f"/logs/{name}.log.1.gz", named, 1, 2, 3), 0.0))
    return lineage


def outstanding(*lineages: Lineage) -> tuple[Outstanding, dict[str, Lineage]]:
    followed = {lineage.path: lineage for lineage in lineages}
    found = Outstanding(followed)
    assert not found.is_known
    assert not found.is_over()
    at_once(found.note())
    return found, followed


def test_it_is_over_once_each_archive_that_was_there_is_nobody_s_any_more_and_stays_so() -> None:
    one, other, quiet = with_archive("one"), with_archive("other"), Lineage(APP, "/logs/quiet.log")
    found, _ = outstanding(one, other, quiet)
    for lineage in (one, other):
        assert not found.is_over()
        lineage.readers.clear()
    assert found.is_over()

    quiet.readers = with_archive("quiet").readers
    assert found.is_over()


@pytest.mark.parametrize(
    "give_up",
    [
        lambda lineage: setattr(lineage.readers[0], "is_unreadable", True),
        lambda lineage: setattr(lineage.readers[0], "is_put_off", True),
        lambda lineage: setattr(lineage, "obstacle", ("unreadable", "Input/output error")),
    ],
    ids=["it cannot be opened", "there is no room for it", "its directory cannot be read"],
)
def test_nobody_waits_for_what_may_never_be_had(give_up: Callable[[Lineage], None]) -> None:
    lineage = with_archive("one")
    found, _ = outstanding(lineage)
    assert not found.is_over()
    give_up(lineage)
    assert found.is_over()


def test_nobody_waits_for_a_log_that_is_not_followed_any_more() -> None:
    found, followed = outstanding(with_archive("one"))
    assert not found.is_over()
    followed.clear()
    assert found.is_over()


def test_a_file_that_is_nowhere_is_waited_for_until_that_is_known() -> None:
    lineage = with_archive("one")
    reader = lineage.readers[0]
    reader.is_packed, reader.is_missing = False, True
    found, _ = outstanding(lineage)
    assert not found.is_over()
    reader.has_caught_up = True
    assert found.is_over()


def test_a_log_is_waited_for_whose_directory_takes_more_than_one_turn_to_look_at() -> None:
    lineage = Lineage(APP, "/logs/one.log")
    lineage.unsettled_since = 1.0
    found, _ = outstanding(lineage)
    assert not found.is_over()
    lineage.readers = with_archive("one").readers
    lineage.unsettled_since = None
    assert not found.is_over(), "what was found then is to be unpacked"
    lineage.readers.clear()
    assert found.is_over()
