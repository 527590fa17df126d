"""Several processes that are one service: one reads the files and records, the others serve.

Owns the processes and what they tell each other. Refuses to know how lines are read, recorded or encoded.
"""

from logstream.workers.parent import run

__all__ = ["run"]
