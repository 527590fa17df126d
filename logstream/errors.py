"""The one exception tree: every error that logstream raises on purpose.

Errors carry facts (a path, a column, a limit) as attributes; words for people are made by `__str__` and by the edges
(`cli`, `api`). This module refuses to know HTTP statuses or exit codes: the edges map types to those.
"""

from __future__ import annotations


class LogstreamError(Exception):
    """Root of everything logstream raises on purpose."""


class UsageError(LogstreamError):
    """Somebody asked for something that cannot be; what they typed must change."""
