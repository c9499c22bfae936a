"""What a batch is made of: x, y and sample weights."""

from typing import Any

from phasewise.core.types import Nest


def pack_x_y_sample_weight(x: Nest, y: Nest = None, sample_weight: Nest = None) -> Any:
    """A batch as `fit` takes it: x, (x,), (x, y) or (x, y, sample_weight).

    `x` alone stays as it is where it is one array or a dict; a list or tuple of inputs is put into a tuple of one, so that its parts
    are not taken for labels.

    Raises:
        ValueError: sample weights without labels.
    """
    if y is None and sample_weight is not None:
        raise ValueError("`sample_weight` was given without `y`: a batch is x, (x, y) or (x, y, sample_weight).")
    if y is None:
        return (x,) if isinstance(x, tuple | list) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """(x, y, sample_weight) of a batch; what is not in it is None.

    Args:
        data: x, or a tuple (or list) (x,), (x, y) or (x, y, sample_weight).

    Raises:
        ValueError: a tuple of another length.
    """
    if not isinstance(data, tuple | list):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(f"A batch is x, (x, y) or (x, y, sample_weight); got a {type(data).__name__} of {len(data)}.")
    return (*data, *[None] * (3 - len(data)))
