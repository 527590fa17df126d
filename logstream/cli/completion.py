"""`logstream completion`: what a shell needs to complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from logstream.cli.words import misuse

_VARIABLE = "_LOGSTREAM_COMPLETE"
_HELP = """\
Print the script that lets a shell complete logstream's commands and options.

\b
Examples:
  logstream completion bash > ~/.local/share/bash-completion/completions/logstream
  logstream completion zsh > "${fpath[1]}/_logstream"
  logstream completion fish > ~/.config/fish/completions/logstream.fish

Exit codes: 0 fine; 2 wrong usage.

Next: open a new shell, type `logstream ` and press TAB.
"""


@click.command(help=_HELP, short_help="Print a completion script for a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print; the help text is for users."""
    found = get_completion_class(shell)
    if found is None:
        misuse(f"there is no completion for {shell}")
    root = context.find_root()
    # The script asks for the shell's version when it runs: here it is only written.
    script = found(root.command, {}, "logstream", _VARIABLE)
    click.echo(script.source_template % script.source_vars())
