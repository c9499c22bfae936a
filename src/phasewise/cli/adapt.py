"""`phasewise adapt FILE DATA --method METHOD -o OUT`."""

import os
import sys
from typing import Any

from phasewise.cli.command import add_json, added, print_json
from phasewise.cli.data_file import add_options, check, instead, read
from phasewise.cli.failing import Failure, Mistake, in_one_line
from phasewise.cli.model_file import add_file, ending_of, opened, written
from phasewise.core.registry import did_you_mean
from phasewise.shift.adapting import METHODS, adapt

CHANGING = tuple(name for name in METHODS if name != "lame")
"""Methods that change the model, and not only its outputs."""


def add_to(commands: Any) -> None:
    """Add the command to the parser's `commands`."""
    parser = added(
        commands,
        "adapt",
        run,
        help="fit a model to data that have shifted, without labels",
        description="Adapts the model in FILE to DATA, whose labels are not needed, and writes it to OUT. Where it collapses nothing is written, and the "
        "exit status is 1.\n\n"
        "adabn gives every batch normalization the statistics of DATA; blend mixes them with those of training; ema follows them batch by batch. tent, "
        "eata and sar change gamma and beta, batch by batch, so that predictions become surer, and give it the statistics of DATA then. note is "
        "for data whose classes come in runs.",
        example="  phasewise adapt model.keras photos/ --scale 1/255 --method adabn -o adapted.keras",
    )
    add_file(parser)
    parser.add_argument(
        "--method", default="adabn", metavar="METHOD", help=f"one of {', '.join(CHANGING)} (default: %(default)s)"
    )
    parser.add_argument(
        "--source", metavar="S", help="rows that were trained on, read as DATA is; the method eata needs them"
    )
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="where the model goes, such as out.keras")
    add_options(parser)
    add_json(parser)


def run(given: Any) -> int:
    """Run it."""
    ending_of(given.output)
    _check(given)
    model = opened(given.file)
    data = read(given, model)
    options = {} if given.source is None else {"source": read(instead(given, given.source), model).x}
    shows_progress = sys.stdout.isatty() and not given.json
    try:
        adaptation = adapt(
            model, data.x, given.method, batch_size=data.batch_size, verbose=1 if shows_progress else 0, **options
        )
    except (ValueError, OSError) as error:
        raise Failure(in_one_line(error)) from error
    if adaptation.collapsed:
        raise Failure(f"{given.output!r} was not written: {adaptation.collapsed}.")
    adaptation.keep()
    written(model, given.output)
    if given.json:
        about = {"path": given.data, "kind": data.kind, "rows": data.rows}
        told = {"file": given.file, "data": about, "output": given.output, "method": given.method}
        print_json(told)
        return 0
    size = os.path.getsize(given.output)
    print(f"{given.output}: adapted to {data.rows:,} rows of {given.data} by {given.method} ({size:,} bytes)")
    if given.method == "note":
        print(
            "  what rows are corrected by is no part of a file: it predicts with the moving statistics that were found"
        )
    return 0


def _check(given):
    check(given)
    if given.method not in METHODS:
        near = did_you_mean(given.method, list(CHANGING))
        raise Mistake(f"there is no method {given.method!r}.{near} There are: {', '.join(CHANGING)}.")
    if given.method == "eata" and given.source is None:
        raise Mistake("the method 'eata' needs rows that the model was trained on: --source x_train.npy.")
    if given.method == "lame":
        raise Mistake("the method 'lame' changes predictions and not the model, so that there is nothing to write.")
    if given.source is not None:
        if given.method != "eata":
            raise Mistake(f"--source is for the method 'eata'; got --method {given.method}.")
        check(instead(given, given.source))
