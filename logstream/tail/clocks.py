"""What remembered times are worth when the clock was set back while nobody looked. Pure.

Files are ordered by names and bytes where that can be; by time only where there is nothing else. Then what was written
since must not look older than what was read before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from logstream.tail.batch import Known

_SLACK_SECONDS: Final = 1.0
"""A clock that is steered goes back by less."""
_AT_LEAST_SECONDS: Final = 86_400.0
"""Nobody knows when the clock was set back, nor how long nobody looked: this far back files may be new."""
_NS: Final = 1_000_000_000


def latest_seconds(known: Sequence[Known], watched: Iterable[float], now_seconds: float) -> float | None:
    """No file that was written since can have an earlier time (epoch seconds); None if the clock was not set back.

    `watched`: when sources were looked through for the first time.
    """
    seen = (one.seen_time for one in known if one.seen_time is not None)
    ahead = max((*seen, *watched), default=now_seconds) - now_seconds
    return now_seconds - max(ahead, _AT_LEAST_SECONDS) if ahead > _SLACK_SECONDS else None


def none_later(since: Mapping[str, float], latest: float | None) -> dict[str, float]:
    """`since`, each as if it had been `latest` or before, if that is told."""
    return {name: seconds if latest is None else min(seconds, latest) for name, seconds in since.items()}


def not_later(known: Known, latest: float) -> Known:
    """`known` as if it had been seen and written last at `latest` (epoch seconds), or before."""
    latest_ns = int(latest * _NS)
    return known._replace(
        seen_time=None if known.seen_time is None else min(known.seen_time, latest),
        written_ns=None if known.written_ns is None else min(known.written_ns, latest_ns),
    )
