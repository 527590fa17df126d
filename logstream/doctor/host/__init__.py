"""Finds out what is wrong on the machine that serves: files, rights, limits, rotation, the unit's sandbox.

Owns what a healthy machine looks like, as seen by the user whom the service runs as. Refuses to change anything.
"""

from logstream.doctor.host.judging import judge_host
from logstream.doctor.host.probing import look_around, settings_for

__all__ = ["judge_host", "look_around", "settings_for"]
