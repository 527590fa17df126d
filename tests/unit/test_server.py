"""The composition root's own decisions."""

from __future__ import annotations

from logstream.errors import LogstreamError, UsageError
from logstream.server import _first


def test_of_errors_in_groups_the_first_is_what_people_read() -> None:
    wanted: LogstreamError = UsageError("port taken")
    group = BaseExceptionGroup("parts", [BaseExceptionGroup("more", [wanted, LogstreamError("later")])])
    nested, _ = group.split(LogstreamError)

    assert nested is not None
    assert _first(nested) is wanted
