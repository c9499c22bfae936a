"""`phasewise recalibrate FILE DATA -o OUT`."""

import os
import sys
from typing import Any

from phasewise.cli.command import add_json, added, print_json
from phasewise.cli.data_file import add_options, check, read
from phasewise.cli.failing import Failure, in_one_line
from phasewise.cli.model_file import PROGRAMS, add_file, ending_of, opened, written
from phasewise.shift import recalibrate


def add_to(commands: Any) -> None:
    """Add the command to the parser's `commands`."""
    parser = added(
        commands,
        "recalibrate",
        run,
        help="exact population statistics of your data in place of a model's moving averages",
        description="Gives every batch normalization layer of the model in FILE the mean and variance that its input has over DATA, and "
        "writes the model to OUT. Its weights stay as they are, and labels are not needed.\n\n"
        "DATA is a .npy, .npz or .csv file (a row an example), or a folder of images, classes in folders or not; images are brought to the "
        "size that the model takes.",
        example="  phasewise recalibrate model.keras photos/ --scale 1/255 -o mended.keras\n"
        "  phasewise recalibrate model.keras mnist.npz --array x_test -o mended.keras",
    )
    add_file(parser)
    parser.add_argument(
        "-o", "--output", metavar="OUT", required=True, help="where the model goes; .keras for the whole of it"
    )
    add_options(parser)
    parser.add_argument(
        "--method",
        choices=("layerwise", "precise"),
        default="layerwise",
        help="layerwise: a pass over the data for each layer, so that all agree with what predict does; precise: one pass, in which "
        "batches normalize as in training (default: %(default)s)",
    )
    add_json(parser)


def run(given: Any) -> int:
    """Run it."""
    ending = ending_of(given.output)
    check(given)
    model = opened(given.file)
    data = read(given, model)
    try:
        shows_progress = sys.stdout.isatty() and not given.json
        changes = recalibrate(
            model,
            data.x,
            method=given.method,
            batch_size=data.batch_size,
            verbose=1 if shows_progress else 0,
        )
    except (ValueError, OSError) as error:
        raise Failure(in_one_line(error)) from error
    written(model, given.output)
    if given.json:
        print_json(
            {
                "file": given.file,
                "data": {"path": given.data, "kind": data.kind, "rows": data.rows},
                "output": given.output,
                "method": given.method,
                "layers": changes.to_dict(),
            }
        )
        return 0
    print(changes)
    what = "its predictions" if ending in PROGRAMS else "the model"
    print(
        f"\n {data.rows:,} rows of {given.data}; {what} with these statistics: {given.output} ({os.path.getsize(given.output):,} bytes)"
    )
    return 0
