"""The command line, `phasewise COMMAND`: one file a command."""

from phasewise.cli.entry import main as main
