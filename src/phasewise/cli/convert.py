"""`phasewise convert IN OUT`."""

import os
from typing import Any

from phasewise.cli.command import add_json, added, print_json
from phasewise.cli.failing import Failure, Mistake, in_one_line
from phasewise.cli.model_file import ENDINGS, PROGRAMS, ending_of, inputs_of, opened, written
from phasewise.cli.torch_map import EXAMPLE, read_map
from phasewise.files.array_files import SAFETENSORS
from phasewise.models.folding import fold
from phasewise.saving.to_torch import save_torch_weights


def add_to(commands: Any) -> None:
    """Add the command to the parser's `commands`."""
    told = "\n".join(f"  {ending:13}{what}" for ending, what in ENDINGS.items())
    parser = added(
        commands,
        "convert",
        run,
        help="a model in another form: .keras, weights alone, or a program for serving",
        description=f"Writes the model in IN to OUT, in the form that the ending of OUT says:\n\n{told}",
        example="  phasewise convert model.keras model.stablehlo --fold",
    )
    parser.add_argument("source", metavar="IN", help="a .keras file, or a whole model in .h5")
    parser.add_argument("target", metavar="OUT", help="the file to write; one that is there is replaced")
    parser.add_argument(
        "--fold",
        action="store_true",
        help="batch normalization goes into the weights of the layers beside it (only to .stablehlo and .onnx)",
    )
    parser.add_argument(
        "--torch",
        metavar="MAP",
        help="the weights as a state dict of PyTorch's, to .safetensors; MAP is a JSON file from its modules to layers, "
        f"like {EXAMPLE}",
    )
    add_json(parser)


def run(given: Any) -> int:
    """Run it."""
    ending = ending_of(given.target)
    if given.fold and ending not in PROGRAMS:
        raise Mistake(
            f"--fold makes a model for inference only, which is written to {' or '.join(PROGRAMS)}; not to {ending}."
        )
    if given.torch is not None:
        return _to_torch(given, ending)
    model = opened(given.source)
    folding = _folded(model) if given.fold else None
    written(model if folding is None else folding.model, given.target)
    if given.json:
        print_json(_described(given, ending, model, folding))
        return 0
    told = "" if folding is None else f", {len(folding)} folded, {len(folding.left)} left"
    print(f"{given.target}: {ENDINGS[ending]} ({os.path.getsize(given.target):,} bytes{told})")
    for name, why in ({} if folding is None else folding.left).items():
        print(f"  not folded: {name}: {why}")
    return 0


def _to_torch(given, ending):
    if ending != SAFETENSORS:
        raise Mistake(f"--torch writes a state dict to {SAFETENSORS}; not to {ending}.")
    arguments, model = read_map(given.torch), opened(given.source)
    try:
        state = save_torch_weights(model, given.target, **arguments)
    except (ValueError, OSError, ImportError) as error:
        raise Failure(in_one_line(error)) from error
    if given.json:
        print_json({**_described(given, ending, model, None), "parameters": list(state), "arguments": state.arguments})
        return 0
    print(
        f"{given.target}: a state dict of PyTorch's, {len(state)} parameters ({os.path.getsize(given.target):,} bytes)"
    )
    for module, needed in state.arguments.items():
        told = ", ".join(f"{name}={value!r}" for name, value in needed.items())
        print(f"  {module} is to be made with {told}")
    return 0


def _folded(model):
    try:
        return fold(model)
    except ValueError as error:
        raise Failure(in_one_line(error)) from error


def _described(given, ending, model, folding):
    return {
        "input": given.source,
        "output": given.target,
        "format": ending[1:],
        "bytes": os.path.getsize(given.target),
        "model": model.name,
        "inputs": inputs_of(model),
        "folded": [] if folding is None else [each.layer for each in folding],
        "not_folded": {} if folding is None else dict(folding.left),
    }
