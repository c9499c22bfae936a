"""`phasewise audit FILE DATA`: exit status 3 where the data have shifted."""

import os
import sys
from typing import Any

from phasewise.cli import data_file
from phasewise.cli.command import add_json, added, print_json
from phasewise.cli.failing import Failure, Mistake, in_one_line
from phasewise.cli.labels_file import check_labels, read_labels, with_labels
from phasewise.cli.model_file import add_file, opened
from phasewise.shift import audit

SHIFTED = 3


def add_to(commands: Any) -> None:
    """Add the command to the parser's `commands`."""
    parser = added(
        commands,
        "audit",
        run,
        help="do your data still fit the statistics that a model normalizes with, and what would help?",
        description="Holds DATA against the moving statistics of every batch normalization of the model in FILE, or against those of "
        "reference data, and says whether they have shifted, in which layer first, and what would help. The model stays as it is.\n\n"
        f"The exit status is 0 where nothing was found, {SHIFTED} where the data have shifted, 1 and 2 where something went wrong.",
        example="  phasewise audit model.keras photos/ --scale 1/255 --report shift.html\n"
        "  phasewise audit model.keras today.npy --reference x_train.npy --json",
    )
    add_file(parser)
    parser.add_argument("--reference", metavar="R", help="unshifted data, such as were trained on, read as DATA is")
    parser.add_argument(
        "--labels",
        metavar="L",
        help="labels of the rows, .npy or .csv: what would help is then judged by accuracy. Of images in the order of their names, or "
        "a .csv with the name of a file and its label in each line",
    )
    parser.add_argument(
        "--alpha", type=float, default=0.01, help="how often an alarm may be false (default: %(default)s)"
    )
    parser.add_argument(
        "-o", "--report", metavar="PAGE", help="write a page in HTML too, with figures: one file, such as shift.html"
    )
    data_file.add_options(parser)
    add_json(parser)


def run(given: Any) -> int:
    """Run it."""
    _check(given)
    model = opened(given.file)
    data = data_file.read(given, model)
    reference = None
    if given.reference is not None:
        reference = data_file.read(data_file.instead(given, given.reference), model)
    labels = None if given.labels is None else read_labels(given, data)
    x = data.x
    if labels is not None and data.kind == "images":
        x, labels = with_labels(data, labels, given.batch_size), None
    options = {"alpha": given.alpha, "verbose": 1 if sys.stdout.isatty() and not given.json else 0}
    options["batch_size"] = data.batch_size if reference is None else data.batch_size or reference.batch_size
    try:
        found = audit(model, x, reference=reference and reference.x, labels=labels, **options)
        if given.report is not None:
            found.report(given.report)
    except (ValueError, OSError, ImportError) as error:
        raise Failure(in_one_line(error)) from error
    if given.json:
        told = {"file": given.file, "data": {"path": given.data, "kind": data.kind, "rows": data.rows}}
        print_json({**told, "reference": given.reference, "report": given.report, **found.to_dict()})
    else:
        print(found)
        if given.report is not None:
            print(f"\n The page: {given.report} ({os.path.getsize(given.report):,} bytes)")
    return SHIFTED if found.is_shifted else 0


def _check(given):
    data_file.check(given)
    if not 0 < given.alpha <= 0.5:
        raise Mistake(f"--alpha, how often an alarm may be false, is above 0 and up to 0.5; got {given.alpha:g}.")
    if given.reference is not None:
        data_file.check(data_file.instead(given, given.reference))
        if os.path.isdir(given.reference) != os.path.isdir(given.data):
            raise Mistake("DATA and --reference are both folders of images, or both files of arrays.")
    if given.labels is not None:
        check_labels(given)
    if given.report is not None:
        check_page(given.report)


def check_page(path: str) -> None:
    """Find out before the work whether a page can be written to `path`.

    Raises:
        Mistake: it cannot.
    """
    folder = os.path.dirname(path) or "."
    if not path.lower().endswith((".html", ".htm")):
        raise Mistake(f"--report is a page in HTML: its name ends in .html; got {path!r}.")
    if not os.path.isdir(folder):
        raise Mistake(f"the folder {folder!r} of {path!r} does not exist.")
    if os.path.isdir(path):
        raise Mistake(f"{path!r} is a folder; give the name of a file.")
