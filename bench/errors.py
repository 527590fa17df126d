"""What can go wrong in a benchmark. A figure for a wrong or incomplete answer is never printed."""

from __future__ import annotations


class BenchError(Exception):
    """A benchmark could not be completed."""


class SilenceError(BenchError):
    """What was waited for did not come in time. `seconds` is how long was waited, `received_bytes` what came before."""

    def __init__(self, mark: bytes, seconds: float, received_bytes: int) -> None:
        """Note what was waited for."""
        super().__init__(mark, seconds, received_bytes)
        self.mark, self.seconds, self.received_bytes = mark, seconds, received_bytes

    def __str__(self) -> str:
        """In words."""
        return f"{self.mark!r} did not come within {self.seconds:.0f} s; {self.received_bytes} bytes came before"


class EndedError(BenchError):
    """The other side ended the stream."""

    def __str__(self) -> str:
        """In words."""
        return "the stream ended before all had come"


class RefusedError(BenchError):
    """A server did not answer 200. `head` is the head of its answer."""

    def __init__(self, head: bytes) -> None:
        """Note the answer."""
        super().__init__(head)
        self.head = head

    def __str__(self) -> str:
        """In words."""
        return f"the stream was refused: {self.head[:200]!r}"


class UnequalError(BenchError):
    """A pipeline brought other lines than were written. `index` is the first that differs."""

    def __init__(self, pipeline: str, written: list[str], received: list[str]) -> None:
        """Find the first difference."""
        super().__init__(pipeline)
        self.pipeline, self.written, self.received = pipeline, written, received
        pairs = zip(written, received, strict=False)
        short = min(len(written), len(received))
        self.index = next((index for index, (one, other) in enumerate(pairs) if one != other), short)

    def __str__(self) -> str:
        """In words."""
        here = slice(self.index, self.index + 1)
        return (
            f"{self.pipeline}: wrong lines from line {self.index} on: {self.received[here]!r} instead of "
            f"{self.written[here]!r}; {len(self.received)} of {len(self.written)} came"
        )
