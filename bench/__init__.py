"""Benchmarks: logstream against what a user would pick instead, in the same run, as ratios.

Owns the measuring. `python -m bench` runs it; the method of each benchmark stands in its module's header. An absolute
figure of a shared machine means little, so the result is the ratio of each round, and its median.
"""
