"""Configuration: TOML, environment and options to frozen settings, or to every problem at once.

Owns the keys, their defaults and the words in which a mistake is told. Refuses to act on any of them.
"""

from __future__ import annotations

from logstream.config.loading import Settings, load
from logstream.config.overrides import PATH_VARIABLE, Override
from logstream.config.problems import ConfigError, Problem
from logstream.config.sections import (
    AccessSettings,
    RuleSettings,
    ServerSettings,
    SourceSettings,
    StateSettings,
    StreamSettings,
)

__all__ = [
    "PATH_VARIABLE",
    "AccessSettings",
    "ConfigError",
    "Override",
    "Problem",
    "RuleSettings",
    "ServerSettings",
    "Settings",
    "SourceSettings",
    "StateSettings",
    "StreamSettings",
    "load",
]
