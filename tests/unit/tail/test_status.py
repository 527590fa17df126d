"""What people may know of files: in steps, so that thousands of them are nobody's pause."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from logstream.tail.batch import SourceSpec
from logstream.tail.lineage import Lineage
from logstream.tail.reader import Reader
from logstream.tail.rotation import Rotated, Sibling
from logstream.tail.status import SLICE_LINEAGES, SourceStatus, is_catching_up, survey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

APP, WEB = SourceSpec("app", ("/logs/app/*",)), SourceSpec("web", ("/logs/web/*",))


def surveyed(
    lineages: Iterable[Lineage], troubles: Mapping[str, Mapping[str, str]]
) -> tuple[int, tuple[SourceStatus, ...]]:
    """How many pauses there were, and what was found."""
    *pauses, found = survey(("app", "web"), lineages, troubles)
    assert not any(pauses)
    return len(pauses), found


def test_a_survey_of_many_files_pauses_often_and_tells_all_in_the_order_of_their_names() -> None:
    count = 10 * SLICE_LINEAGES
    lineages = [
        Lineage(spec, f"/logs/{spec.name}/{number:05}") for number in range(count, 0, -1) for spec in (APP, WEB)
    ]

    pauses, (app, web) = surveyed(lineages, {"web": {"/logs/web": "permission denied"}})

    assert pauses == 2 * count // SLICE_LINEAGES
    assert [file.file for file in app.files] == [f"/logs/app/{number:05}" for number in range(1, count + 1)]
    assert web.files[0][:3] == ("/logs/web", "unreadable", "permission denied")
    assert len(web.files) == count + 1


def test_a_path_that_goes_while_others_have_their_turn_ends_no_survey() -> None:
    lineages = {str(number): Lineage(APP, f"/logs/app/{number}") for number in range(2 * SLICE_LINEAGES)}
    steps = survey(("app",), lineages.values(), {})
    next(steps)
    del lineages["0"], lineages["400"]

    next(steps)


def reader(*, has_caught_up: bool, is_displaced: bool, is_deleted: bool, is_unreadable: bool) -> Reader:
    made = SimpleNamespace(file="a", key="k", encoding="utf-8", size=2, committed=1, has_caught_up=has_caught_up)
    made.is_displaced, made.is_deleted, made.is_unreadable = is_displaced, is_deleted, is_unreadable
    made.vacancy, made.path, made.is_packed, made.waits_to_be_found = None, "/logs/app/a", False, False
    return cast("Reader", made)


def test_a_path_is_caught_up_with_when_no_file_of_it_is_told_as_catching_up() -> None:
    flags = (False, True)
    for is_live, is_obstructed, *facts in product(flags, repeat=6):
        lineage = Lineage(APP, "/logs/app/a")
        names = ("has_caught_up", "is_displaced", "is_deleted", "is_unreadable")
        one = reader(**dict(zip(names, facts, strict=True)))
        lineage.readers = [one]
        lineage.live = one if is_live else None
        lineage.obstacle = ("unreadable", "permission denied") if is_obstructed else None
        _, (app, _) = surveyed([lineage], {})

        assert is_catching_up(lineage) == any(file.state == "catching up" for file in app.files)


def test_an_archive_that_waits_is_caught_up_with_and_so_many_bytes_behind_as_it_has_compressed() -> None:
    lineage = Lineage(APP, "/logs/app/a")
    sibling = Sibling("/logs/app/a.1.gz", Rotated("after-count", (-1,), is_compressed=True), 1, 2, 3, size=4_000)
    packed = Reader.packed(APP, lineage.file, sibling, 0.0)
    lineage.add_older(packed)
    _, (app, _) = surveyed([lineage], {})
    assert [(file.state, file.size_bytes, file.read_bytes) for file in app.files] == [("catching up", 4_000, 0)]

    packed.is_unreadable = True
    _, (app, _) = surveyed([lineage], {})
    assert [file.state for file in app.files] == ["unreadable"]
