"""Where the command line begins: the commands, and what becomes of their mistakes."""

import argparse
import sys
from collections.abc import Sequence

from phasewise.cli import demo, run
from phasewise.cli.failing import Failure, Mistake

COMMANDS = (demo, run)
"""Modules with `add_to(commands)`, which adds a parser whose default `run` is a function of the parsed arguments that returns the exit
status."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` (default: the process's) name.

    Returns:
        The exit status: 0; 1 for what failed; 2 for a mistake in the command, which argparse raises as SystemExit; 130 after Ctrl-C.
    """
    given = _parser().parse_args(arguments)
    try:
        return given.run(given)
    except (Mistake, Failure) as trouble:
        print(f"phasewise {given.command}: {trouble}", file=sys.stderr)
        return trouble.status
    except KeyboardInterrupt:
        print(f"phasewise {given.command}: interrupted.", file=sys.stderr)
        return 130


def _parser():
    parser = argparse.ArgumentParser(
        prog="phasewise", description="Neural networks whose layers behave differently in training and in inference."
    )
    parser.add_argument("--version", action=_Version)
    commands = parser.add_subparsers(required=True, metavar="command", dest="command")
    for command in COMMANDS:
        command.add_to(commands)
    return parser


class _Version(argparse.Action):
    """Prints the versions that a report of a mistake needs."""

    def __init__(self, option_strings, dest, **_):
        super().__init__(option_strings, dest, nargs=0, help="print the version, and those of JAX and Python")

    def __call__(self, parser, namespace, values, option_string=None):
        import platform

        import jax

        import phasewise

        print(f"phasewise {phasewise.__version__} (JAX {jax.__version__}, Python {platform.python_version()})")
        parser.exit()
