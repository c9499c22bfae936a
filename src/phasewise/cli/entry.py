"""Where the command line begins: the commands, and what becomes of their mistakes."""

import argparse
import contextlib
import os
import sys
import warnings
from collections.abc import Iterator, Sequence

from phasewise.cli import adapt, audit, convert, demo, doctor, explain, recalibrate, run, summary
from phasewise.cli.failing import Failure, Mistake, in_one_line

COMMANDS = (summary, explain, convert, recalibrate, audit, adapt, run, demo, doctor)
"""Modules with `add_to(commands)`, which adds a parser whose default `run` is a function of the parsed arguments that returns the exit
status."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` (default: the process's) name.

    Returns:
        The exit status: 0; 1 for what failed; 2 for a mistake in the command, which argparse raises as SystemExit; 130 after Ctrl-C;
        141 where nobody reads what is printed.
    """
    given = _parser().parse_args(arguments)
    try:
        with _warnings_in_one_line(given.command) if given.command != run.NAME else contextlib.nullcontext():
            status = given.run(given)
            sys.stdout.flush()
            return status
    except (Mistake, Failure) as trouble:
        return _told(given.command, str(trouble), trouble.status)
    except KeyboardInterrupt:
        return _told(given.command, "interrupted.", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is flushed at the end goes nowhere
        return 141
    except (ValueError, TypeError, OSError, ImportError, RuntimeError, NotImplementedError) as error:
        return _told(given.command, in_one_line(error), Failure.status)


def _told(command, message, status):
    print(f"phasewise {command}: {message}", file=sys.stderr)
    return status


@contextlib.contextmanager
def _warnings_in_one_line(command: str) -> Iterator[None]:
    def show(message, category, filename, lineno, file=None, line=None):
        _told(command, f"warning: {in_one_line(message)}", 0)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


def _parser():
    parser = argparse.ArgumentParser(
        prog="phasewise",
        description="Neural networks whose layers behave differently in training and in inference: what they do, mended and taken elsewhere.",
        epilog="`phasewise COMMAND --help` has an example of each.",
    )
    parser.add_argument("--version", action=_Version)
    commands = parser.add_subparsers(required=True, metavar="command", dest="command", title="commands")
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
