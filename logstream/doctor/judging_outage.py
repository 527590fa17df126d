"""Judges what was answered while the service was away. Pure."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logstream.doctor.findings import Finding
    from logstream.doctor.seen import Answer, Outage, Refusal
    from logstream.doctor.wording import Doctor

_CHECK: Final = "outage"
_WHY_UNTRIED: Final = (
    "at a 502 a browser's own EventSource gives up for ever, and an error page with status 200 is taken for lines; the "
    "page itself tries again at either"
)
_HOW: Final = (
    "    logstream doctor {url} --outage 60    # and meanwhile, on the server:\n    sudo systemctl restart logstream"
)


def judge_outage(doctor: Doctor) -> Iterator[Finding]:
    """What was seen; or that nobody has looked, and how one does."""
    outage, address = doctor.seen.outage, doctor.seen.address
    if outage is None or not outage.has_ended:
        what = "not tried" if outage is None else f"the stream did not end in {outage.seconds:.0f} s: nothing was tried"
        seen = f"what is answered while the service is away (502 and the like): {what}"
        yield doctor.untried(_CHECK, seen, _WHY_UNTRIED, _HOW.format(url=address.url))
        return
    if outage.is_exact is False:
        yield doctor.error(_CHECK, "the stream came back at another place than where it was", "lines are missing")
    yield _answered(doctor, outage)


def _answered(doctor: Doctor, outage: Outage) -> Finding:
    told = " and ".join(dict.fromkeys(map(_told, outage.refusals)))
    if (back := outage.back_seconds) is None:
        seen = f"the stream ended and did not come back: {told or 'it was refused'}"
        return doctor.error(_CHECK, seen, "nobody gets a line; does the service run again?")
    if any(refusal.answer.status == HTTPStatus.OK for refusal in outage.refusals):
        why = "who asked for the stream or for JSON takes that page for it, or gives up for ever"
        return doctor.error(_CHECK, f"while the service is away the answer is {told}, an error that says 200", why)
    if any(refusal.answer.status for refusal in outage.refusals):
        seen = f"while the service was away, for {_seconds(outage.refusals):.1f} s, the answer was {told}"
        why = "the page tries again, but a browser's own EventSource gives up for ever at the first such answer"
        return doctor.warning(_CHECK, seen, why)
    refused = f", though nothing answered for {_seconds(outage.refusals):.1f} s" if outage.refusals else ""
    place = "where it was" if outage.is_exact else "at the newest line: none had come before"
    return doctor.ok(_CHECK, f"the stream was back after {back:.1f} s, {place}, and nobody was told an error{refused}")


def _seconds(refusals: tuple[Refusal, ...]) -> float:
    return refusals[-1].at_seconds - refusals[0].at_seconds


def _told(refusal: Refusal) -> str:
    answer: Answer = refusal.answer
    return answer.failure or f"{answer.status} {answer.headers.get('content-type', '')}".strip()
