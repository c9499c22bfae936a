"""Data cut into a left and a right part."""

import math
import random as python_random
from typing import Any

import numpy as np

from phasewise.core import random
from phasewise.data.adapters import arrays_of, is_arrays
from phasewise.data.arrays import owned
from phasewise.data.dataset import Dataset
from phasewise.data.structure import leaves, map_leaves, same_structure, stack


def split_dataset(
    dataset: Any,
    left_size: int | float | None = None,
    right_size: int | float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Dataset, Dataset]:
    """The data as two plans: the first `left_size` elements and the last `right_size`.

    One pass over the data is made and kept, so that no element can be in both parts, as it could after `take` and `skip` of a plan that
    is shuffled anew every pass.

    Args:
        dataset: arrays of one length (also a list, tuple or dict of them), a `Dataset`, a tf.data one or a PyTorch one. Of one
            whose last step is `batch`, rows are counted, and the parts are batched again.
        left_size, right_size: number of elements, or a fraction in (0, 1) as a float; one that is left out is the rest.
        shuffle: whether the elements are put in random order before.
        seed: int, of that order.
        preferred_backend: accepted for Keras's sake; the parts are plans of phasewise.

    Raises:
        TypeError: the data are of no known kind, or endless.
        ValueError: sizes that leave a part empty, or exceed the data.
    """
    elements, batch_size = _elements(dataset)
    left, right = _sizes(left_size, right_size, len(elements))
    if shuffle:
        python_random.Random(random.fresh_seed() if seed is None else seed).shuffle(elements)
    parts = [_plan(part) for part in (elements[:left], elements[len(elements) - right :])]
    return tuple(part if batch_size is None else part.batch(batch_size) for part in parts)


def _elements(dataset):
    """All elements as a list, and the size of the batches that they came in."""
    if isinstance(dataset, Dataset):
        if dataset.cardinality() == -1:
            raise TypeError("split_dataset takes data that end; this data set is endless. Take a part of it first.")
        recipe = vars(dataset).get("_recipe")
        is_batched = recipe is not None and recipe.name == "batch" and recipe.before is not None
        size = (recipe.kwargs.get("batch_size") or recipe.args[0]) if is_batched else None
        return list(dataset.unbatch() if is_batched else dataset), size
    if hasattr(dataset, "as_numpy_iterator"):
        size = getattr(dataset, "_batch_size", None)
        source = dataset if size is None else dataset.unbatch()
        return [_tuples(each) for each in source.as_numpy_iterator()], None if size is None else int(size)
    if is_arrays(dataset, y=0):
        rows = arrays_of(dataset)
        counts = {len(array) for array in leaves(rows)}
        if len(counts) != 1:
            raise ValueError(f"split_dataset takes arrays of one length; these have {sorted(counts)} rows.")
        return [map_leaves(lambda a, i=i: a[i], rows) for i in range(counts.pop())], None
    if hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__") and not isinstance(dataset, str | bytes | dict):
        return [_tuples(dataset[i]) for i in range(len(dataset))], None
    raise TypeError(
        f"split_dataset takes arrays, a phasewise.Dataset, a tf.data.Dataset or a PyTorch data set; got {type(dataset).__name__}."
    )


def _tuples(element):
    """An element of another library's, lists as tuples."""
    if isinstance(element, list | tuple):
        return tuple(map(_tuples, element))
    if isinstance(element, dict):
        return {key: _tuples(value) for key, value in element.items()}
    return owned(element)


def _plan(elements):
    first = elements[0]
    shapes = [np.shape(leaf) for leaf in leaves(first)]
    for each in elements:
        if not same_structure(first, each) or [np.shape(leaf) for leaf in leaves(each)] != shapes:
            return Dataset(lambda: iter(elements), len(elements))
    return Dataset.from_tensor_slices(stack(elements))


def _sizes(left, right, count):
    if left is None and right is None:
        raise ValueError("split_dataset needs left_size or right_size: a number of elements, or a fraction as a float.")
    if isinstance(left, float) and isinstance(right, float) and math.isclose(left + right, 1):
        right = None  # rounded each for itself, they could be one element too many
    numbers = [_size(name, size, count) for name, size in (("left_size", left), ("right_size", right))]
    left = count - numbers[1] if numbers[0] is None else numbers[0]
    right = count - left if numbers[1] is None else numbers[1]
    if left + right > count:
        raise ValueError(f"left_size and right_size are {left} and {right} elements together; the data have {count}.")
    if not left or not right:
        raise ValueError(
            f"{left} of {count} elements to the left and {right} to the right: a part would be empty. Change the sizes."
        )
    return left, right


def _size(name, size, count):
    """A number of elements; None stays."""
    if size is None:
        return None
    if isinstance(size, bool) or not isinstance(size, int | float | np.integer | np.floating):
        raise TypeError(f"{name} is an int, a float or None; got {size!r}.")
    if isinstance(size, int | np.integer):
        if not 0 < size < count:
            raise ValueError(f"{name} as an int is at least 1 and below the {count} elements of the data; got {size}.")
        return int(size)
    if not 0 < size < 1:
        raise ValueError(f"{name} as a float is a fraction between 0 and 1; got {size}.")
    return round(float(size) * count)
