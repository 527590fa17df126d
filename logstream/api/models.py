"""What requests hold and answers look like, as the schema at `/openapi.json` tells it.

Owns the documentation alone: answers are not made from these models, tests hold them against each other.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

Level = Literal["trace", "debug", "info", "warn", "error", "fatal"]
_SOURCE = "A source's name or a glob over names; may be repeated; without it all sources."
_QUERY = "A query, as the stream has it."
_SINCE = "An RFC 3339 time: nothing older than that."
_UNTIL = "An RFC 3339 time: only what is older; later than `since`."


class SelectionQuery(BaseModel):
    """What all questions about records have."""

    q: str = Field("", description=_QUERY)
    source: list[str] = Field([], description=_SOURCE)
    since: str = Field("", description=_SINCE)
    until: str = Field("", description=_UNTIL)


class RecordsQuery(SelectionQuery):
    """Which records."""

    before: str = Field("", description="An id: the records before it, the last ones of them.")
    after: str = Field("", description="An id: the records after it, the first ones of them.")
    around: str = Field("", description="An id: its record and those before and after it.")
    limit: int = Field(100, ge=1, le=1000, description="How many records at most.")


class ExportQuery(SelectionQuery):
    """What is to be in the file."""

    format: Literal["text", "jsonl", "csv"] = Field(
        "text", description="Lines as they are, records as JSON, or a table."
    )
    progress: Literal["true", "false"] = Field(
        "false", description="true: the same bytes in pieces, before each a line of JSON with `at`, `end` and `bytes`."
    )


class HistogramQuery(SelectionQuery):
    """Which counts."""

    after: str = Field("", description="An id: count only what is recorded after it.")
    buckets: int = Field(60, ge=1, le=1000, description="How many stretches of the same length.")


class StreamQuery(BaseModel):
    """Which stream."""

    q: str = Field("", description=_QUERY)
    source: list[str] = Field([], description=_SOURCE)
    from_: str = Field("now", alias="from", description="now, start, -N, an event id, or an RFC 3339 time.")
    last_event_id: str = Field("", description="Go on after this id; wins over `from`.")
    shape: Literal["line", "batch"] = Field("line", description="An event a line, or an array of records an event.")


class ExplainQuery(BaseModel):
    """What is being typed."""

    q: str = Field("", description=_QUERY)
    cursor: int | None = Field(None, ge=0, description="How many characters stand before the cursor; else all.")


class Problem(BaseModel):
    """What is wrong with a request (RFC 9457), or with the service."""

    type: str
    title: str
    status: int
    detail: str
    parameter: str | None = None
    expected: Any = None
    code: str | None = Field(None, description="What is wrong, for programs that have their own words for it.")
    facts: dict[str, Any] | None = Field(None, description="What belongs to the code.")


class Record(BaseModel):
    """One line."""

    id: str | None
    source: str
    file: str
    time: str | None
    level: Level | None
    event: str
    text: str
    fields: dict[str, Any] | None
    rules: list[str]
    cont: bool


class Gap(BaseModel):
    """Bytes that cannot be had any more."""

    source: str | None
    file: str | None
    from_: int | None = Field(alias="from")
    to: int | None
    lines: int | None
    bytes: int | None
    reason: str


class Records(BaseModel):
    """A page of records, and how far was looked."""

    records: list[Record]
    gaps: list[Gap]
    scanned_to: str | None
    more: bool
    scanned_from: str | None = None


class Bucket(BaseModel):
    """The counts of one stretch of time by level; `none` is for lines without one."""

    start: str
    counts: dict[str, int]


class Histogram(BaseModel):
    """Counts over time."""

    since: str
    until: str
    buckets: list[Bucket]
    scanned_to: str | None
    complete: bool


class File(BaseModel):
    """One file of a source."""

    file: str
    state: str
    reason: str | None
    size_bytes: int | None
    read_bytes: int | None
    format: str | None


class RecordedGap(BaseModel):
    """Bytes that were lost unread, and when that was found; what nobody knows is null."""

    time: str
    source: str
    file: str
    from_: int | None = Field(alias="from")
    to: int | None
    lines: int | None
    bytes: int | None
    reason: str


class Losses(BaseModel):
    """What was lost unread since the start, for one reason: how many gaps, the bytes where known, and the latest."""

    reason: str
    gaps: int
    bytes: int
    latest: list[RecordedGap]


class Source(BaseModel):
    """One source."""

    name: str
    state: Literal["ok", "empty", "unreadable"]
    labels: dict[str, str]
    files: list[File]
    losses: list[Losses]


class Sources(BaseModel):
    """All sources."""

    sources: list[Source]


class QueryMistake(BaseModel):
    """Where a query cannot be read, and what was expected there; `column` counts characters from 1."""

    column: int
    expected: str
    found: str
    hint: str
    code: str
    facts: dict[str, str | int]
    message: str


class QueryCompletion(BaseModel):
    """What could stand in place of the characters from `start` to `end` (counted from 0) of the query."""

    text: str
    kind: Literal["key", "operator", "level", "source", "event"]
    start: int
    end: int
    detail: str


class QueryExplanation(BaseModel):
    """A query in words, or what is wrong with it."""

    valid: bool
    canonical: str | None
    explanation: str | None
    error: QueryMistake | None
    hints: list[str]
    completions: list[QueryCompletion]


class Evidence(BaseModel):
    """What a rule or a query has done since the start; `ns_a_line` is what it costs.

    All null for who does not see all sources: the counts are of all lines.
    """

    lines_tried: int | None
    hits: int | None
    last_hit: str | None
    ns_a_line: float | None


class Rule(Evidence):
    """A rule: its conditions, what follows from them, what it has done, and what is worth saying of that."""

    name: str
    match: str | None
    source: str | None
    level: str | None
    where: str | None
    action: Literal["tag", "drop", "keep"]
    event: str | None
    set_level: Level | None
    highlight: str | None
    redact: bool | list[str]
    remark: str | None


class View(Evidence):
    """A selection that somebody looks at; without `sources` all of them."""

    sources: list[str]
    query: str
    shape: Literal["line", "batch"]
    subscribers: int


class Rules(BaseModel):
    """All rules in their order, and the open views."""

    rules: list[Rule]
    views: list[View]


class SessionAnswer(BaseModel):
    """Who asks, and by which way they came in; `name` is null where nobody is asked."""

    name: str | None
    way: Literal["anybody", "session", "token", "proxy"]
    can_log_out: bool


class Health(BaseModel):
    """The process runs."""

    status: Literal["ok"]
    version: str


class ReadinessAnswer(BaseModel):
    """Whether the service does all it should."""

    status: Literal["ready", "degraded"]
    reasons: list[str]
