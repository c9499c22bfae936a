"""Sources of other libraries, recognized by what they can do. Nothing is imported for it."""

import sys

import numpy as np

from phasewise.data.dataset import UNKNOWN_CARDINALITY, Dataset
from phasewise.data.structure import map_leaves


def to_array(value):
    """A NumPy array from a JAX array, a pandas object, a PyTorch tensor, a list of numbers, or anything array-like."""
    if isinstance(value, np.ndarray):
        return value
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy()
    if hasattr(value, "to_numpy"):
        return value.to_numpy()
    return np.asarray(value)


def is_array_like(value):
    """Whether `value` is one array: not a nest, not a source of batches."""
    if isinstance(value, np.ndarray | np.generic) or hasattr(value, "to_numpy"):
        return True
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return True
    return isinstance(value, list) and not any(
        is_array_like(item) for item in value if not isinstance(item, list | tuple)
    )


def as_batches(source):
    """A plan of batches from a foreign source, or None when `source` is none that is known."""
    if hasattr(source, "as_numpy_iterator"):  # tf.data
        return Dataset(lambda: map(_tuples, source.as_numpy_iterator()), _length_of_tf(source))
    if _is_torch_loader(source):
        return Dataset(lambda: (_from_torch(batch) for batch in source), _length(source))
    if (
        hasattr(source, "__getitem__")
        and hasattr(source, "__len__")
        and not isinstance(source, list | tuple | dict | str)
    ):
        return Dataset(lambda: _sequence(source), _length(source))
    if hasattr(source, "__next__"):
        return Dataset(lambda: map(_tuples, source), UNKNOWN_CARDINALITY)
    if hasattr(source, "__iter__") and not isinstance(source, list | tuple | dict | str | bytes):
        return Dataset(lambda: map(_tuples, iter(source)), _length(source))
    return None


def is_hugging_face(source):
    """Whether `source` is a Hugging Face `datasets.Dataset`."""
    return hasattr(source, "features") and hasattr(source, "column_names") and hasattr(source, "with_format")


def hugging_face_columns(source):
    """Its columns as arrays."""
    table = source.with_format("numpy")
    return {name: np.asarray(table[name][:]) for name in source.column_names}


def _sequence(source):
    for i in range(len(source)):
        yield _tuples(source[i])
    if hasattr(source, "on_epoch_end"):
        source.on_epoch_end()


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


def _is_torch_loader(source):
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(source, torch.utils.data.DataLoader)


def _from_torch(batch):
    return _tuples(tuple(batch) if isinstance(batch, list) else batch)


def _tuples(element):
    """Leaves as arrays; inside the outermost tuple a list of arrays is a tuple of inputs."""
    if isinstance(element, list):
        element = (
            tuple(element) if element and is_array_like(element[0]) and np.ndim(element[0]) > 0 else np.asarray(element)
        )
    if isinstance(element, tuple):
        return tuple(_tuples(item) for item in element)
    return map_leaves(to_array, element)
