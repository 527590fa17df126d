"""Remembers in which order the bytes of all files were first seen, and reads them back in that order.

Owns ids, the recorded order, the state on disk, and finding a generation's bytes again. Holds no line of a log: the
files are the only copy. Refuses to know who reads, and what lines say; those above know `base` alone.
"""
