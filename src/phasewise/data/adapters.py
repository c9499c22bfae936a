"""Any source a user may hold, as a plan of batches."""

import inspect

import numpy as np

from phasewise.core.strings import as_host_array, holds_strings
from phasewise.data.arrays import is_array_like, owned, to_array
from phasewise.data.checks import check_arrays
from phasewise.data.dataset import Dataset
from phasewise.data.feed import device_dtype
from phasewise.data.foreign import as_batches, hugging_face_columns, is_hugging_face, is_list_of_batches
from phasewise.data.structure import leaves, map_leaves

BATCH_SIZE = 32


def as_plan(x, y=None, sample_weight=None, *, batch_size=None, shuffle=False, hold=False, strings=False, role="fit"):
    """A plan whose elements are batches: x, (x, y) or (x, y, sample_weight).

    Batches of any source but arrays are copies: one that fills a buffer again and again gives what was in it each time. Arrays are
    read as they go along, unless `hold`.

    Args:
        x: a `Dataset`, arrays (NumPy, JAX, pandas, PyTorch, lists of numbers; also tuples, lists and dicts of them), or a
            source of batches (tf.data, PyTorch DataLoader, a `PyDataset`-like sequence, a generator, a list of tuples of arrays).
        y, sample_weight: arrays, with arrays.
        batch_size: rows in a batch, 32 by default; only with arrays.
        shuffle: a new order every pass; only for arrays (their rows) and `PyDataset`-like sequences (their batches).
        hold: whether arrays are copied, because code of a user's runs before the last batch is read and might write to them.
        strings: whether `x` may hold strings, because layers on the host take them.
        role: what the plan is for, named in messages.

    Raises:
        TypeError, ValueError: the source is of no known kind, is empty, holds strings, or its parts differ in length.
    """
    if x is None:
        raise ValueError(f"{role} needs data: `x` is None.")
    if is_hugging_face(x):
        x = hugging_face_columns(x)
    if is_arrays(x, y, role):
        return _plan_of_arrays(x, y, sample_weight, batch_size, shuffle, hold, strings)
    plan = x if isinstance(x, Dataset) else as_batches(x, shuffle)
    if plan is None:
        called = f" Call the function: {role}({x.__name__}(), ...)." if inspect.isfunction(x) else ""
        raise TypeError(
            f"{role} cannot read data of type {type(x).__name__}. Give arrays (NumPy, JAX, pandas, PyTorch), a "
            f"phasewise.Dataset, a tf.data.Dataset, a DataLoader, a sequence of batches, or a generator.{called}"
        )
    for name, value in (("y", y), ("sample_weight", sample_weight), ("batch_size", batch_size)):
        if value is not None:
            raise ValueError(
                f"`{name}` cannot be given when `x` is a {type(x).__name__}: it yields whole batches already."
            )
    return plan


def is_arrays(x, y=None, role="fit"):
    """Whether `x` is arrays, or a nest of them, rather than a source of batches.

    A list of tuples of arrays is a list of batches where there is no `y`; in predict, where tuples of several are inputs, only if
    each is a tuple of one.
    """
    if y is None and is_list_of_batches(x) and (role != "predict" or all(len(batch) == 1 for batch in x)):
        return False
    return _is_nest(x)


def _is_nest(x):
    if isinstance(x, tuple | list) and not is_array_like(x):
        return len(x) > 0 and all(map(_is_nest, x))
    if isinstance(x, dict):
        return len(x) > 0 and all(map(_is_nest, x.values()))
    return is_array_like(x)


def split(x, y, sample_weight, fraction, strings=False):
    """The first rows to train on and the last `fraction` to validate on.

    Returns:
        ((x, y, sample_weight), (x, y, sample_weight) or (x, y)).

    Raises:
        ValueError: not arrays, a fraction outside (0, 1), or one that leaves a side empty.
    """
    if not is_arrays(x, y):
        raise ValueError(
            f"validation_split cuts arrays; `x` is a {type(x).__name__}. Pass validation_data, made with take and skip."
        )
    if not isinstance(fraction, float | np.floating) or not 0 < fraction < 1:
        raise ValueError(f"validation_split is a fraction between 0 and 1; got {fraction!r}.")
    parts = [arrays_of(x, _or_strings(to_array) if strings else to_array), arrays_of(y), arrays_of(sample_weight)]
    check_arrays(dict(zip(("x", "y", "sample_weight"), parts)), strings)
    rows = len(leaves(parts[0])[0])
    border = int(rows * (1 - fraction))
    if border in (0, rows):
        raise ValueError(
            f"validation_split={fraction} of {rows} rows leaves nothing to {'train' if border == 0 else 'validate'} on."
        )
    before = [map_leaves(lambda a: a[:border], p) if p is not None else None for p in parts]
    after = [map_leaves(lambda a: a[border:], p) if p is not None else None for p in parts]
    return tuple(before), tuple(after if after[2] is not None else after[:2])


def class_weights(y, class_weight, sample_weight=None):
    """Each row's class weight, times its sample weight.

    Args:
        y: integer labels (rows,) or (rows, 1), or one-hot (rows, classes).
        class_weight: dict of class -> weight; classes that are not in it weigh 1.
    """
    if y is None or not is_array_like(y):
        raise ValueError(f"class_weight needs one array of labels; `y` is {'None' if y is None else type(y).__name__}.")
    for label in class_weight:
        if not isinstance(label, int | np.integer):
            raise ValueError(
                f"class_weight maps class numbers to weights, as in {{0: 1.0, 1: 5.0}}; got the class {label!r}."
            )
    labels = to_array(y)
    if labels.ndim == 2 and labels.shape[1] > 1:
        labels = labels.argmax(1)
    labels = labels.reshape(len(labels)).astype(np.int64)
    weights = np.ones(len(labels), np.float32)
    for label, weight in class_weight.items():
        weights[labels == int(label)] = weight
    if sample_weight is None:
        return weights
    given = to_array(sample_weight).reshape(-1)
    if len(given) != len(weights):
        raise ValueError(f"y has {len(weights)} rows and sample_weight has {len(given)}; they must agree.")
    return weights * given


def arrays_of(structure, leaf=to_array):
    """Leaves as NumPy arrays, a list of arrays as a tuple; None stays.

    Args:
        leaf: `value -> array`.
    """
    if structure is None:
        return None
    if isinstance(structure, dict):
        return {key: arrays_of(value, leaf) for key, value in structure.items()}
    if isinstance(structure, tuple | list) and not is_array_like(structure):
        return tuple(arrays_of(item, leaf) for item in structure)
    return leaf(structure)


def _or_strings(leaf):
    """As `leaf`; strings come as objects, each as long as it is."""

    def array(value):
        return as_host_array(value).copy() if holds_strings(value) else leaf(value)

    return array


def held(value):
    """As `to_array`, in memory that nobody else writes to; what is wider than on the device is narrowed."""
    array = to_array(value)
    narrow = device_dtype(array.dtype)
    return array.astype(narrow) if array.dtype.kind in "fc" and narrow != array.dtype else owned(value)


def source_of(x, y, sample_weight, leaf=to_array, strings=False):
    """x, (x, y) or (x, y, sample_weight) of arrays as a tuple of nests of NumPy's, as `as_plan` takes them and raises.

    Args:
        leaf: `value -> array`.
        strings: as `as_plan` takes it.
    """
    parts = {
        "x": arrays_of(x, _or_strings(leaf) if strings else leaf),
        "y": arrays_of(y, leaf),
        "sample_weight": arrays_of(sample_weight, leaf),
    }
    check_arrays(parts, strings)
    if parts["y"] is None and sample_weight is None:
        return (parts["x"],)
    if parts["y"] is None:
        raise ValueError("`sample_weight` was given without `y`.")
    return tuple(parts.values()) if sample_weight is not None else (parts["x"], parts["y"])


def _plan_of_arrays(x, y, sample_weight, batch_size, shuffle, hold, strings):
    source = source_of(x, y, sample_weight, held if hold else to_array, strings)
    plan = Dataset._of_source(source)
    if shuffle:
        plan = plan.shuffle(len(leaves(source)[0]))
    return plan.batch(BATCH_SIZE if batch_size is None else batch_size)
