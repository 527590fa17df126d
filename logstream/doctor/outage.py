"""The probe of what is answered while the service is away: it waits for a restart, and comes back as a browser does.

Owns the waiting. Refuses to stop anything by itself, and to judge.
"""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from logstream.doctor.asking import ask
from logstream.doctor.seen import CUT, Outage, Refusal
from logstream.doctor.streaming import follow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from logstream.doctor.seen import Address, Event

_LOOK_AGAIN_SECONDS: Final = 0.1
_MOST_REFUSALS: Final = 1000


def watch_outage(address: Address, headers: Mapping[str, str], seconds: float) -> Outage:
    """Keep a stream open until it ends, then see what is answered until it is there again; `seconds` for all of it."""
    until = time.monotonic() + seconds
    stream = follow(address, headers, seconds, pings=0)
    if stream.ended != CUT:
        return Outage(seconds)
    ended, last = time.monotonic(), _last_id(stream.events)
    # So long a browser waits, too; meanwhile somebody else may come.
    comes_back = ended + _retry_seconds(stream.events)
    asked = {**headers, **({"Last-Event-ID": last} if last else {})}
    refusals: list[Refusal] = []
    while (now := time.monotonic()) < until:
        answer = ask(address, "/healthz", headers)
        if answer.status != HTTPStatus.OK or b'"version"' not in answer.body:
            refusals = [*refusals, Refusal(now - ended, answer)][:_MOST_REFUSALS]
        elif now >= comes_back:
            again = follow(address, asked, 0.0, pings=0)
            if again.events:
                is_exact = bool(_facts(again.events, "hello")["resume"]["exact"]) if last else None
                return Outage(seconds, True, tuple(refusals), time.monotonic() - ended, is_exact)  # noqa: FBT003 - has ended
            refusals = [*refusals, Refusal(now - ended, again.answer)][:_MOST_REFUSALS]
        time.sleep(_LOOK_AGAIN_SECONDS)
    return Outage(seconds, True, tuple(refusals))  # noqa: FBT003 - as above


def _last_id(events: Sequence[Event]) -> str:
    return next((event.id for event in reversed(events) if event.id), "")


def _retry_seconds(events: Sequence[Event]) -> float:
    told = _facts(events, "bye") or _facts(events, "hello")
    return float(told.get("retry_ms", 0)) / 1000


def _facts(events: Sequence[Event], kind: str) -> dict[str, Any]:
    """The facts of the first event of a kind; none if there is no such event."""
    return next((dict(json.loads(event.text)) for event in events if event.type == kind), {})
