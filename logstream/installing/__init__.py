"""Installing the service under systemd: what is to be done as values, and the doing of it.

Owns the files of the installation and their order. Refuses to know how the service works.
"""

from logstream.installing.doing import install, require_systemd, uninstall, upgrade
from logstream.installing.errors import InstallError
from logstream.installing.plans import Machine, Shipped, clearing_plan, install_plan, uninstall_plan, upgrade_plan
from logstream.installing.program import Program, this_program
from logstream.installing.steps import Step
from logstream.installing.surroundings import machine, page_folder, proxy_files, shipped

__all__ = [
    "InstallError",
    "Machine",
    "Program",
    "Shipped",
    "Step",
    "clearing_plan",
    "install",
    "install_plan",
    "machine",
    "page_folder",
    "proxy_files",
    "require_systemd",
    "shipped",
    "this_program",
    "uninstall",
    "uninstall_plan",
    "upgrade",
    "upgrade_plan",
]
