"""Finds out what is wrong between a browser and the service: probes of the way, and a judgement of what they saw.

Owns what a healthy way looks like, and the words and lines that put a sick one right. Refuses to change anything.
"""

from logstream.doctor.findings import Finding, Severity
from logstream.doctor.judging import judge
from logstream.doctor.probing import look
from logstream.doctor.seen import Address, UnaskableError

__all__ = ["Address", "Finding", "Severity", "UnaskableError", "judge", "look"]
