"""`phasewise run`."""

import argparse
from typing import Any

from phasewise.cli.command import added
from phasewise.cli.failing import Mistake

NAME = "run"  # the script's warnings and errors are its own: they look as Python shows them


def add_to(commands: Any) -> None:
    """Add the command to the parser's `commands`."""
    command = added(
        commands,
        NAME,
        run,
        help="run a script written for Keras, with not one line changed",
        description="Runs a script written for Keras, unchanged: while it runs, keras, tf_keras, tensorflow.keras, the Dataset of "
        "tensorflow.data and the names of TensorFlow that scripts use most are phasewise's, in this process and in those that it "
        "starts through multiprocessing. An installed Keras or TensorFlow is not touched, nor imported.",
        example="  phasewise run train.py --epochs 3",
    )
    command.usage = "phasewise run [-h] [-m] SCRIPT [ARGUMENTS ...]"
    command.add_argument(
        "-m", action="store_true", dest="as_module", help="SCRIPT is the name of a module, as for python -m"
    )
    # One list: argparse would swallow a "--" between two.
    command.add_argument(
        "words",
        metavar="SCRIPT ARGUMENTS",
        nargs=argparse.REMAINDER,
        help="path of the script (- reads it from standard input), and what it finds in sys.argv behind that",
    )


def run(given: Any) -> int:
    """Run it."""
    from phasewise.scripts.running import NotAScript, run_as_process

    if not given.words:
        raise Mistake("give the path of a script, as in: phasewise run train.py")
    try:
        return run_as_process(given.words[0], given.words[1:], given.as_module)
    except NotAScript as mistake:
        raise Mistake(str(mistake)) from None
