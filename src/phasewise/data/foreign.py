"""Sources of batches from other libraries, recognized by what they can do. Nothing is imported for it."""

import itertools
import sys

import numpy as np

from phasewise.data.arrays import is_array_like, owned
from phasewise.data.cardinality import INFINITE_CARDINALITY, UNKNOWN_CARDINALITY
from phasewise.data.dataset import Dataset
from phasewise.data.one_pass import Turn
from phasewise.data.workers import in_order, processes_of


def as_batches(source, shuffle=False):
    """A plan of batches from a foreign source, or None when `source` is none that is known.

    Args:
        shuffle: whether the batches of a `PyDataset`-like sequence come in a new order every pass.

    Raises:
        TypeError: a PyTorch data set that is not in a DataLoader.
    """
    if is_list_of_batches(source):
        return Dataset(lambda: map(_tuples, source), len(source))
    if isinstance(source, list | tuple | dict | str | bytes):
        return None
    if hasattr(source, "as_numpy_iterator"):  # tf.data
        return Dataset(lambda: map(_tuples, source.as_numpy_iterator()), _length_of_tf(source))
    _refuse_single_rows(source)
    if hasattr(source, "with_format"):  # a Hugging Face stream of batches
        source = source.with_format("numpy")
        return Dataset(lambda: map(_tuples, iter(source)), UNKNOWN_CARDINALITY)
    if hasattr(source, "__getitem__") and (hasattr(source, "num_batches") or hasattr(source, "__len__")):
        return _sequence(source, shuffle)
    if hasattr(source, "__next__"):
        turn = Turn(source, _tuples)
        return Dataset(lambda: iter(turn), UNKNOWN_CARDINALITY, turn=turn)
    if hasattr(source, "__iter__"):
        return Dataset(lambda: map(_tuples, iter(source)), _length(source))
    return None


def is_list_of_batches(source):
    """Whether `source` is a list of tuples of arrays: batches, as a generator would yield them."""
    return isinstance(source, list) and len(source) > 0 and all(map(_is_batch, source))


def _is_batch(item):
    return isinstance(item, tuple) and 1 <= len(item) <= 3 and not is_array_like(list(item))


def is_hugging_face(source):
    """Whether `source` is a Hugging Face `datasets.Dataset`, whose rows are at hand."""
    return all(hasattr(source, name) for name in ("features", "column_names", "with_format", "__len__"))


def hugging_face_columns(source):
    """Its columns as arrays."""
    table = source.with_format("numpy")
    return {name: np.asarray(table[name][:]) for name in source.column_names}


def _sequence(source, shuffle):
    """The plan of a sequence of batches: `source[i]`, told when a pass begins and ends."""
    count = source.num_batches if hasattr(source, "num_batches") else len(source)
    plan = Dataset.range(0 if count is None else count)
    numbers = plan.shuffle(max(count, 1)) if shuffle and count is not None else plan
    processes = processes_of(source)

    def stream():
        _tell(source, "on_epoch_begin")
        yield from in_order(source, itertools.count() if count is None else map(int, numbers), processes, _tuples)
        _tell(source, "on_epoch_end")

    return Dataset(stream, INFINITE_CARDINALITY if count is None else count)


def _tell(source, event):
    if hasattr(source, event):
        getattr(source, event)()


def _length(source):
    try:
        return len(source)
    except (TypeError, AttributeError):
        return UNKNOWN_CARDINALITY


def _length_of_tf(source):
    try:
        return int(source.cardinality())
    except (TypeError, AttributeError):
        return UNKNOWN_CARDINALITY


def _refuse_single_rows(source):
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(source, torch.utils.data.Dataset) and not hasattr(source, "with_format"):
        raise TypeError(
            f"A PyTorch {type(source).__name__} yields single rows. Put it in a DataLoader: "
            "torch.utils.data.DataLoader(dataset, batch_size=32)."
        )


def _tuples(batch):
    """A batch of a foreign source, its leaves arrays that the source does not write to.

    A list is a tuple where it holds arrays, or lists that make no array together; else it is an array. Trailing parts that are None
    are absent: `(x, None)` has no labels.
    """
    batch = _parts(batch)
    if isinstance(batch, tuple):
        while len(batch) > 1 and batch[-1] is None:
            batch = batch[:-1]
    return batch


def _parts(element):
    if isinstance(element, list) and (not is_array_like(element) or not _makes_one_array(element)):
        element = tuple(element)
    if isinstance(element, tuple):
        return tuple(_parts(item) for item in element)
    if isinstance(element, dict):
        return {key: _parts(value) for key, value in element.items()}
    return None if element is None else owned(element)


def _makes_one_array(lists):
    try:
        np.asarray(lists)
    except ValueError:
        return False
    return True
