from __future__ import annotations

import pytest

from logstream.tail.identity import Facts, Remembered, Verdict, decide

KNOWN = Remembered(dev=1, ino=2, igen=3, committed=100, size=120, mtime_ns=7)
RESTARTED = KNOWN._replace(size=None, mtime_ns=None)
EMPTY = Remembered(dev=1, ino=2, igen=3, committed=0, size=0, mtime_ns=7)
SEEN = Facts(dev=1, ino=2, igen=3, size=120, mtime_ns=7, is_regular=True)
TOUCHED = SEEN._replace(mtime_ns=8)


@pytest.mark.parametrize(
    ("known", "facts", "proof_matches", "verdict"),
    [
        (KNOWN, SEEN, None, Verdict.SAME),
        (KNOWN, None, None, Verdict.GONE),
        (KNOWN, SEEN._replace(is_regular=False), None, Verdict.UNTAILABLE),
        # Another inode, or another use of the same one; a number that is not known contradicts nothing.
        (KNOWN, SEEN._replace(ino=9), None, Verdict.REPLACED),
        (KNOWN, SEEN._replace(dev=9), None, Verdict.REPLACED),
        (KNOWN, SEEN._replace(igen=9), None, Verdict.REPLACED),
        (KNOWN, SEEN._replace(ino=9), True, Verdict.REPLACED),
        (KNOWN, SEEN._replace(igen=None), None, Verdict.SAME),
        (KNOWN._replace(igen=None), SEEN, None, Verdict.SAME),
        # Shorter than what was handed on needs no proof; anything written does.
        (KNOWN, SEEN._replace(size=99), None, Verdict.TRUNCATED),
        (KNOWN, SEEN._replace(size=99), True, Verdict.TRUNCATED),
        (KNOWN, TOUCHED, None, Verdict.UNPROVEN),
        (KNOWN, TOUCHED, False, Verdict.TRUNCATED),
        (KNOWN, TOUCHED, True, Verdict.GREW),
        (KNOWN, SEEN._replace(size=500), None, Verdict.UNPROVEN),
        (KNOWN, SEEN._replace(size=500), False, Verdict.TRUNCATED),
        (KNOWN, SEEN._replace(size=500), True, Verdict.GREW),
        # Shorter than what was seen, but not than what was handed on.
        (KNOWN, SEEN._replace(size=110), None, Verdict.UNPROVEN),
        (KNOWN, SEEN._replace(size=110), True, Verdict.SHRUNK),
        (KNOWN, SEEN._replace(size=100), True, Verdict.SHRUNK),
        # After a restart nothing is believed without a proof.
        (RESTARTED, SEEN, None, Verdict.UNPROVEN),
        (RESTARTED, SEEN, True, Verdict.GREW),
        (RESTARTED, SEEN._replace(size=100), True, Verdict.SAME),
        (RESTARTED, SEEN._replace(size=100), False, Verdict.TRUNCATED),
        # Where nothing was handed on there is nothing to prove.
        (EMPTY, SEEN._replace(size=0), None, Verdict.SAME),
        (EMPTY, SEEN._replace(size=0, mtime_ns=8), None, Verdict.SAME),
        (EMPTY, SEEN._replace(size=5), None, Verdict.GREW),
        (EMPTY._replace(size=3), SEEN._replace(size=0), None, Verdict.SHRUNK),
    ],
)
def test_what_a_file_is_to_a_generation(
    known: Remembered, facts: Facts | None, *, proof_matches: bool | None, verdict: Verdict
) -> None:
    assert decide(known, facts, proof_matches=proof_matches) is verdict
