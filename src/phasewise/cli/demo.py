"""`phasewise demo`."""

import pathlib
import sys

from phasewise.cli.failing import Mistake


def add_to(commands):
    """Add the command to the parser's `commands`."""
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
    demo.set_defaults(run=run)


def run(given):
    """Run it."""
    from phasewise.demo import experiment, figure, report

    mistake = _mistake(given, figure.FORMATS)
    if mistake is not None:
        raise Mistake(mistake)

    def tell(trained):
        if not given.json:
            print(f"trained with {trained.name} in {trained.fit_seconds:.2f} s", flush=True)

    result, path, trouble = experiment.run(given.seed, tell), None, None
    try:
        figure.draw(result.trained[0], result.shifted, given.out)
        path = given.out.resolve()
    except ImportError:
        print("phasewise demo: no figure, for want of matplotlib: pip install 'phasewise[plot]'", file=sys.stderr)
    except OSError as error:
        trouble = f"phasewise demo: the figure could not be written to {given.out}: {error.strerror}."
    (report.print_json if given.json else report.print_text)(result, path)
    if trouble is None:
        return 0
    print(trouble, file=sys.stderr)
    return 1


def _mistake(given, formats):
    """What is wrong with the options, found before anything is trained, or None."""
    if not given.out.parent.is_dir():
        return f"the folder of --out {given.out} does not exist."
    if given.out.is_dir():
        return f"--out {given.out} is a folder; give a file, such as {given.out / 'phasewise-demo.png'}."
    if given.out.suffix.lower()[1:] not in formats:
        return f"--out {given.out} must end in one of {', '.join('.' + name for name in formats)}."
    if not 0 <= given.seed < 2**32:
        return f"--seed is a whole number from 0 to {2**32 - 1}; got {given.seed}."
    return None
