"""Follows log files: finds them, decides what each one is, and hands ranges of whole lines on, with what else happened.

Owns what a file is (the same, grown, truncated, replaced, moved, copied, compressed) and in which order its lives are
read. Refuses to remember anything over a restart: that is the journal's, which gives it back as `batch.Known`.
"""
