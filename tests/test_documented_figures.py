"""Holds each figure of the code's that a document states to the code: whoever changes one is told where it stands."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from logstream.access.limits import SECONDS_A_TRY, TRIES_A_USER, TRIES_AN_ADDRESS
from logstream.hub.catch_up import MOST_PICKED
from logstream.hub.joining import MOST_BYTES
from logstream.hub.recent import RECENT_ITEMS
from logstream.hub.start import MOST_BACKFILL
from logstream.journal.ahead import AHEAD_BYTES, MOST_HELD
from logstream.journal.cutting import BLOCK_LINES
from logstream.journal.held import HELD_BYTES
from logstream.journal.ids import LONGEST_ID_BYTES
from logstream.journal.pruning import KEPT_GENERATIONS
from logstream.journal.sifting import STRETCH_BYTES
from logstream.metrics.exposition import MOST_VIEWS
from logstream.parse.structured import MAX_DEPTH
from logstream.rules.query import MAX_QUERY_CHARACTERS, MAX_QUERY_NESTING, MAX_QUERY_TERMS, MAX_TERM_CHARACTERS
from logstream.serving.server import KEEP_ALIVE_SECONDS
from logstream.stalls import STALL_SECONDS
from logstream.tail import identity, looking, unpacking
from logstream.tail.batch import ANCHOR_BYTES
from logstream.workers.channel import BUFFER_BYTES
from tests.installed import ROOT


class Figure(NamedTuple):
    """A figure that a page states, the words around it, and what it is in the code."""

    page: str
    words: str
    value: float


FIGURES = [
    Figure("README.md", "the last N matches, at most #, then live", MOST_BACKFILL),
    Figure("README.md", "a checksum of the # bytes before it", ANCHOR_BYTES),
    Figure("docs/wire.md", "the last N matching records by time, at most #, then live", MOST_BACKFILL),
    Figure("docs/wire.md", "at most # bytes, however many files", LONGEST_ID_BYTES),
    Figure("docs/wire.md", "a CRC-32 of the at most # bytes before it", ANCHOR_BYTES),
    Figure("docs/query.md", "At most # characters", MAX_QUERY_CHARACTERS),
    Figure("docs/query.md", "# terms of at most", MAX_QUERY_TERMS),
    Figure("docs/query.md", "terms of at most # characters each", MAX_TERM_CHARACTERS),
    Figure("docs/query.md", "# open parentheses", MAX_QUERY_NESTING),
    Figure("docs/formats.md", "more than # deep has no fields", MAX_DEPTH),
    Figure("docs/guarantees.md", "a checksum of the # bytes before that offset", ANCHOR_BYTES),
    Figure("docs/guarantees.md", "the newest # of a source last", KEPT_GENERATIONS),
    Figure("docs/guarantees.md", "Up to # MiB of order", HELD_BYTES >> 20),
    Figure("docs/guarantees.md", "Compared are the last # KiB that were read", identity.RECENT_BYTES >> 10),
    Figure("docs/guarantees.md", "while nobody looked, # of a log", looking._MOST_HELD),
    Figure("docs/guarantees.md", "of a log and # in all are held open", unpacking._MOST_HELD),
    Figure("docs/access.md", "then there is one more every # s", SECONDS_A_TRY),
    Figure("docs/metrics.md", "turns of the event loop that were # ms late or more", STALL_SECONDS * 1000),
    Figure("docs/metrics.md", "the # with most are told", MOST_VIEWS),
    Figure("docs/workers.md", "up to # MiB wait for it", BUFFER_BYTES >> 20),
    Figure("docs/performance.md", "A block of up to # lines is read and written at once", BLOCK_LINES),
    Figure("docs/performance.md", "# KiB, are handled as one", MOST_BYTES >> 10),
    Figure("docs/performance.md", "Stretches of up to # MiB are searched", STRETCH_BYTES >> 20),
    Figure("docs/performance.md", "judged and written, up to # at once", MOST_PICKED),
    Figure("docs/performance.md", "look at the next # MiB each", AHEAD_BYTES >> 20),
    Figure("docs/performance.md", "All readers together have # stretches", MOST_HELD),
    Figure("docs/performance.md", "who lags by more than # blocks", RECENT_ITEMS),
    Figure("deploy/nginx/logstream.conf", "The service keeps idle ones for # s", KEEP_ALIVE_SECONDS),
]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: f"{figure.page}: {figure.words}")
def test_a_figure_that_a_page_states_is_the_code_s(figure: Figure) -> None:
    page = re.sub(r"\s+#?\s*", " ", (ROOT / figure.page).read_text(encoding="utf-8"))
    found = re.findall(re.escape(figure.words).replace(r"\#", r"([\d,]+)"), page)
    assert [float(number.replace(",", "")) for number in found] == [figure.value]


def test_tries_at_a_login_are_as_many_as_the_page_says() -> None:
    page = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")
    assert "Ten tries at a user's password, and ten from one address" in page
    assert (TRIES_A_USER, TRIES_AN_ADDRESS) == (10, 10)
