"""Settings given outside the file: `LOGSTREAM_SECTION__KEY` in the environment, and options of the command line.

Owns the names. Refuses to judge values: that is `judge`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from logstream.config.problems import Problem, nearest_name
from logstream.config.sections import OVERRIDABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "LOGSTREAM_"
PATH_VARIABLE = "LOGSTREAM_CONFIG"
"""Names the configuration file; read by the command line, no setting of its own."""
TOKEN_VARIABLES = ("LOGSTREAM_TOKEN", "LOGSTREAM_TOKEN_FILE")
"""What the commands that ask a service show it; no settings either."""
_OTHERS = frozenset({PATH_VARIABLE, *TOKEN_VARIABLES})

# Kubernetes and Docker links set these in every container beside a service named "logstream"; nobody wrote them.
_SERVICE_LINK = re.compile(
    r"LOGSTREAM_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)=.*"
    r"|LOGSTREAM_PORT=(tcp|udp|sctp)://.*",
    re.DOTALL,
)


class Override(NamedTuple):
    """One setting as text from outside the file. `place` is what the giver calls it: `--port`."""

    place: str
    section: str
    key: str
    text: str


def environment_overrides(environ: Mapping[str, str]) -> tuple[tuple[Override, ...], tuple[Problem, ...]]:
    """The overrides in `environ`, and a problem for each variable that looks like one and is none."""
    known = {
        f"{PREFIX}{section}__{key}".upper(): (section, key)
        for section, model in OVERRIDABLE.items()
        for key in model.model_fields
    }
    overrides, problems = [], []
    for variable, text in sorted(environ.items()):
        place = f"environment {variable}"
        if variable in known:
            overrides.append(Override(place, *known[variable], text))
        elif variable.startswith(PREFIX) and variable not in _OTHERS and not _is_service_link(variable, text):
            names = [name.removeprefix(PREFIX) for name in known]
            nearest = nearest_name(variable.removeprefix(PREFIX).upper(), names)
            nearest = nearest and PREFIX + nearest
            expected = "" if nearest else f"{PREFIX}SECTION__KEY with one of the sections {', '.join(OVERRIDABLE)}"
            problems.append(Problem(place, "", "unknown setting", expected, nearest))
    return tuple(overrides), tuple(problems)


def _is_service_link(variable: str, text: str) -> bool:
    return _SERVICE_LINK.fullmatch(f"{variable}={text}") is not None
