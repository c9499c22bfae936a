"""The command line: `phasewise demo`."""

import argparse
import pathlib
import sys


def main(arguments=None):
    """Run the command that `arguments` (default: the process's) name. Returns the exit status."""
    given = _parser().parse_args(arguments)
    return given.run(given)


def _parser():
    parser = argparse.ArgumentParser(
        prog="phasewise", description="Neural networks whose layers behave differently in training and in inference."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    demo = commands.add_parser(
        "demo",
        help="batch normalization meets data that have moved: what the switch does, in two seconds",
        description="Trains a classifier with batch normalization, predicts displaced data with moving and with batch "
        "statistics, and says what each layer did and why.",
    )
    demo.add_argument("--seed", type=int, default=18, help="of the data and the weights (default: %(default)s)")
    demo.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    demo.add_argument(
        "--out",
        type=pathlib.Path,
        default=pathlib.Path("phasewise-demo.png"),
        help="where the figure goes; the ending says the format (default: %(default)s)",
    )
    demo.set_defaults(run=_demo)
    return parser


def _demo(given):
    from phasewise.demo import experiment, figure, report

    if not given.out.parent.is_dir():
        print(f"phasewise demo: the folder of --out {given.out} does not exist.", file=sys.stderr)
        return 2
    if not 0 <= given.seed < 2**32:
        print(f"phasewise demo: --seed is a whole number from 0 to {2**32 - 1}; got {given.seed}.", file=sys.stderr)
        return 2

    def tell(trained):
        if not given.json:
            print(f"trained with {trained.name} in {trained.fit_seconds:.2f} s", flush=True)

    result = experiment.run(given.seed, tell)
    try:
        figure.draw(result.trained[0], result.shifted, given.out)
        path = given.out.resolve()
    except ImportError:
        path = None
    (report.print_json if given.json else report.print_text)(result, path)
    return 0
