"""Which files a log that is a symbolic link was led to before another one, as far as their names tell. Pure.

glog, cronolog, winston and others begin each file under a name with the time in it, and lead a link on to the newest.
Kubernetes leads one on to the log of a container's next start, and rotates that of each start. Owns which of such names
are of one log, and their order. Counts tell neither: `app.2` may be of a second writer that runs beside the first.
Refuses to look at files.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from logstream.tail.stamps import DAY, MONTH

if TYPE_CHECKING:
    from collections.abc import Iterable

_HOUR, _LATER = r"(?:[01]\d|2[0-3])", r"[0-5]\d"
_CLOCK: Final = rf"{_HOUR}[-_:]?{_LATER}(?:[-_:]?{_LATER})?"
_STAMP: Final = re.compile(
    rf"(?<!\d)(?:20\d\d{MONTH}{DAY}(?:[-_T]?{_CLOCK}|{_HOUR})?"
    rf"|20\d\d(?P<separator>[-_.]){MONTH}(?P=separator){DAY}(?:[-_T](?:{_CLOCK}|{_HOUR}))?"
    r"|1\d{9}(?:\d{3})?)(?!\d)"
)
"""A date, perhaps with a time, or seconds or milliseconds since the epoch."""
_NUMBER: Final = re.compile(r"\d+")
_PROCESS: Final = re.compile(r"\.\d+")
_SECOND_DIGITS: Final = 14
_POD_LOG: Final = re.compile(r"/[^/_]+_[^/_]+_[^/_]+/[^/]+/\d+\.log$")
"""Where kubelet has the log of a container's start: `NAMESPACE_POD_UID/CONTAINER/0.log`."""
_OF_START: Final = re.compile(r"(\d{1,9})\.log(?:\.(20\d{6})-(\d{6}))?")
_OF_STARTS: Final = ("/", "", ".log")
_A_START: Final = 10**15
"""More than any time in the name of a rotated file: the one that has none is the newest of its start."""


class Target(NamedTuple):
    """A name taken apart: its `form`, the `stamp` and the other numbers.

    The form is what stands before the stamp, with `/` for each number; the stamp with 0 for each digit; and what stands
    behind it.
    """

    form: tuple[str, str, str]
    stamp: int
    numbers: tuple[str, ...]
    is_to_the_second: bool
    """Whether two files that were begun one after the other hardly have the same stamp."""
    ends_in_process: bool
    """Whether the stamp is followed by one more number and nothing else: glog's form, where that is a process's."""


def target_of(name: str) -> Target | None:
    """`name` taken apart; None if it has no stamp, or more than one."""
    stamps = list(_STAMP.finditer(name))
    if len(stamps) != 1:
        return None
    start, end = stamps[0].span()
    before, stamp, after = name[:start], name[start:end], name[end:]
    digits = "".join(_NUMBER.findall(stamp))
    form = _NUMBER.sub("/", before), re.sub(r"\d", "0", stamp), _NUMBER.sub("/", after)
    is_to_the_second = len(digits) >= _SECOND_DIGITS or digits.startswith("1")
    numbers = (*_NUMBER.findall(before), *_NUMBER.findall(after))
    return Target(form, int(digits), numbers, is_to_the_second, _PROCESS.fullmatch(after) is not None)


def is_pod_log(path: str) -> bool:
    """Whether a file is where kubelet has the log of one of a container's starts: the directory has no other's."""
    return _POD_LOG.search(path) is not None


def pod_target_of(name: str) -> Target | None:
    """The same of a name in such a directory. The stamp is the number of the start, and when the file was rotated."""
    found = _OF_START.fullmatch(name)
    if found is None:
        return None
    stamp = _A_START - 1 if found[2] is None else int(found[2] + found[3])
    return Target(_OF_STARTS, int(found[1]) * _A_START + stamp, (), is_to_the_second=True, ends_in_process=False)


def pod_logs_among(names: Iterable[str]) -> set[str]:
    """What the log of each start is, or was, called as long as it was written to."""
    found = filter(None, map(_OF_START.match, names))
    return {f"{match[1]}.log" for match in found}


def begins_as(target: Target) -> re.Pattern[str]:
    """Matches what names of the target's form begin with, and the stamp as its only group: stamps sort as text."""
    before, stamp, after = map(re.escape, target.form)
    before, after = (part.replace("/", r"\d+") for part in (before, after))
    return re.compile(rf"{before}({stamp.replace('0', '[0-9]')}){after}")


def is_led_to_between(one: Target, former: Target | None, present: Target) -> bool:
    """Whether a link that leads to `present` now, and led to `former` at the last look, was led to `one` meanwhile.

    Where nobody knows the name of the former, all that was begun before `present` may have been. A number that both
    ends have is a host's or a writer's: another one is another log's. Where they have different ones, and the stamp
    tells files apart by itself, those are of processes.
    """
    if one.form != present.form or (former is not None and former.form != present.form):
        return False
    if present.form == _OF_STARTS and one.stamp // _A_START == present.stamp // _A_START:
        return False  # an older life of the log that has the path now
    if any((one.stamp, one.numbers) == (end.stamp, end.numbers) for end in (former, present) if end is not None):
        return False  # compressed
    since = 0 if former is None else former.stamp
    if not present.is_to_the_second:
        return one.numbers == present.numbers == (former or present).numbers and since < one.stamp < present.stamp
    if not since <= one.stamp <= present.stamp:
        return False
    last = len(present.numbers) - 1
    return all(
        number == now or (present.ends_in_process and index == last if former is None else former.numbers[index] != now)
        for index, (number, now) in enumerate(zip(one.numbers, present.numbers, strict=True))
    )
