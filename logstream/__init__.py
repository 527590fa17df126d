"""logstream: live logs in a browser, with nothing lost and nothing shown twice."""

__version__ = "0.1.0"
