"""NumPy's files as commands are given them: one array in .npy, several by name in .npz."""

from collections.abc import Sequence

import numpy as np

from phasewise.cli.failing import Mistake, in_one_line
from phasewise.core.registry import did_you_mean


def of_npy(path: str) -> np.ndarray:
    """The array in a .npy file.

    Raises:
        Mistake: it cannot be read.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise Mistake(f"{path!r} cannot be read as a NumPy array: {in_one_line(error)}") from error
    if not isinstance(array, np.ndarray):
        raise Mistake(f"{path!r} is no .npy file, whatever its name says.")
    return array


def of_npz(path: str, inputs: Sequence[str], chosen: str | None) -> list[np.ndarray]:
    """An array of a .npz file for each of a model's inputs, found by their names.

    Args:
        path: of the file.
        inputs: names of the model's inputs.
        chosen: name of the array for a single input; None: the only one, or the one called as the input or "x".

    Raises:
        Mistake: it cannot be read, or has no such array.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            if isinstance(file, np.ndarray):
                raise Mistake(f"{path!r} is no .npz file, whatever its name says.")
            if len(inputs) == 1:
                return [file[_chosen(path, file.files, inputs[0], chosen)]]
            return [file[_named(path, file.files, name)] for name in inputs]
    except (ValueError, EOFError, OSError, KeyError, AttributeError) as error:
        raise Mistake(f"{path!r} cannot be read as a .npz file: {in_one_line(error)}") from error


def _chosen(path, names, input_name, chosen):
    if chosen is not None:
        if chosen in names:
            return chosen
        raise Mistake(f"{path!r} has no array {chosen!r}.{did_you_mean(chosen, names)} It has: {', '.join(names)}.")
    if len(names) == 1:
        return names[0]
    for name in (input_name, "x"):
        if name in names:
            return name
    raise Mistake(f"{path!r} has several arrays; say with --array which is the model's input: {', '.join(names)}.")


def _named(path, names, input_name):
    if input_name not in names:
        raise Mistake(
            f"{path!r} has no array for the model's input {input_name!r}.{did_you_mean(input_name, names)} It has: {', '.join(names)}."
        )
    return input_name
