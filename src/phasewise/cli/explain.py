"""`phasewise explain FILE`."""

from typing import Any

from phasewise.cli.command import add_json, added, print_json
from phasewise.cli.failing import Mistake, in_one_line
from phasewise.cli.model_file import add_file, opened
from phasewise.switch import statistics_policy


def add_to(commands: Any) -> None:
    """Add the command to the parser's `commands`."""
    parser = added(
        commands,
        "explain",
        run,
        help="what each layer does in training and in inference, and why",
        description="Says for each layer of the model in FILE that depends on the phase (batch normalization, dropout ...) what it does "
        "in fit, evaluate and predict, and which rule decides: frozen, pinned at its call, the learning phase, the task.",
        example="  phasewise explain model.keras --statistics batch",
    )
    add_file(parser)
    parser.add_argument(
        "--statistics",
        metavar="POLICY",
        help="as predict would be given it: moving (the default), batch, or blend(N)",
    )
    add_json(parser)


def run(given: Any) -> int:
    """Run it."""
    try:
        policy = statistics_policy.resolve(given.statistics)
    except ValueError as error:
        raise Mistake(in_one_line(error)) from error
    model = opened(given.file)
    if not model.built:
        raise Mistake(f"the model in {given.file!r} has no weights, since it was never built; there is nothing to ask.")
    explanation = model.explain(policy, print_fn=False)
    if given.json:
        print_json(
            {
                "file": given.file,
                "model": model.name,
                "layers": explanation.to_dict(),
                "on_host": list(explanation.on_host),
            }
        )
    else:
        print(explanation)
    return 0
