"""Functions that `keras.backend` had up to Keras 2, and `tensorflow.keras.backend` has still: those of `phasewise.ops` under old names.

Older scripts write their losses and metrics with them: `K.mean(K.square(y_true - y_pred), axis=-1)`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from phasewise import activations, initializers, ops, random
from phasewise.core.defaults import floatx
from phasewise.core.variable import Variable
from phasewise.scripts.tensorflow_names import mathematics

# With the same defaults in the same order.
_SAME = """
    abs all any cast cos dot elu equal exp greater greater_equal less less_equal log max maximum mean min minimum
    ndim not_equal ones_like prod reshape round shape sigmoid sign sin softmax softplus softsign square squeeze std stop_gradient sum tanh
    tile transpose zeros_like
"""

_OTHERS = """
    arange argmax argmin batch_flatten batch_get_value batch_set_value binary_crossentropy cast_to_floatx
    categorical_crossentropy clip concatenate constant count_params cumprod cumsum dropout dtype eval expand_dims eye gather flatten get_value
    hard_sigmoid in_top_k int_shape l2_normalize logsumexp one_hot ones permute_dimensions pow random_normal random_uniform
    relu repeat repeat_elements reverse set_value sparse_categorical_crossentropy sqrt stack switch truncated_normal update
    update_add update_sub var variable zeros
"""

__all__ = [*_SAME.split(), *_OTHERS.split()]

globals().update({name: getattr(ops, name) for name in _SAME.split()})
pow, var, logsumexp, l2_normalize = ops.power, ops.var, ops.logsumexp, mathematics.l2_normalize


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = "int32") -> Any:
    """Evenly spaced numbers."""
    return ops.arange(start, stop, step, dtype)


def argmax(x: Any, axis: int = -1) -> Any:
    """Where the largest entry along an axis is."""
    return ops.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Any:
    """Where the smallest entry along an axis is."""
    return ops.argmin(x, axis)


def batch_flatten(x: Any) -> Any:
    """(rows, the product of all other sizes)."""
    return ops.reshape(x, (-1, int(np.prod(x.shape[1:]))))


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """A value for each entry."""
    return ops.binary_crossentropy(target, output, from_logits)


def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """A value for each row."""
    return ops.categorical_crossentropy(target, output, from_logits, axis)


def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """A value for each row; labels are numbers of classes."""
    return ops.sparse_categorical_crossentropy(target, output, from_logits, axis)


def cast_to_floatx(x: Any) -> Any:
    """The entries in the default float type."""
    return ops.cast(x, floatx())


def clip(x: Any, min_value: Any, max_value: Any) -> Any:
    """The entries, none below the one and none above the other."""
    return ops.clip(x, min_value, max_value)


def concatenate(tensors: Sequence[Any], axis: int = -1) -> Any:
    """Arrays joined along an axis that they have: the last, unless one is given."""
    return ops.concatenate(tensors, axis)


def constant(value: Any, dtype: Any = None, shape: Sequence[int] | None = None, name: str | None = None) -> Any:
    """An array, all the same number where a shape is given."""
    array = ops.convert_to_tensor(value, dtype or floatx())
    return array if shape is None else ops.broadcast_to(array, shape)


def count_params(x: Any) -> int:
    """How many entries there are."""
    return int(np.prod(x.shape))


def cumprod(x: Any, axis: int = 0) -> Any:
    """Products of the entries up to each."""
    return ops.cumprod(x, axis)


def cumsum(x: Any, axis: int = 0) -> Any:
    """Sums of the entries up to each."""
    return ops.cumsum(x, axis)


def dropout(x: Any, level: float, noise_shape: Any = None, seed: int | None = None) -> Any:
    """Entries set to zero with probability `level`, the others scaled up."""
    return random.dropout(x, level, noise_shape, seed)


def dtype(x: Any) -> str:
    """The name of an array's dtype."""
    return str(x.dtype)


def expand_dims(x: Any, axis: int = -1) -> Any:
    """One more axis, of size 1."""
    return ops.expand_dims(x, axis)


def eye(size: int, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable that holds the identity matrix."""
    return variable(np.eye(size), dtype, name)


def flatten(x: Any) -> Any:
    """All entries along one axis."""
    return ops.reshape(x, (-1,))


def gather(reference: Any, indices: Any) -> Any:
    """Rows by number."""
    return ops.take(reference, indices, 0)


def get_value(x: Any) -> np.ndarray:
    """The value of a variable or an array."""
    return np.asarray(x)


eval = get_value


def hard_sigmoid(x: Any) -> Any:
    """0.2 x + 0.5, cut off at 0 and 1: Keras 2's, where that of Keras 3 is x / 6 + 0.5."""
    return ops.clip(ops.add(ops.multiply(x, 0.2), 0.5), 0.0, 1.0)


def set_value(x: Variable, value: Any) -> None:
    """Give a variable another value."""
    x.assign(value)


def batch_get_value(tensors: Sequence[Any]) -> list[np.ndarray]:
    """The values of several."""
    return [get_value(x) for x in tensors]


def batch_set_value(tuples: Sequence[tuple[Variable, Any]]) -> None:
    """Give several variables other values."""
    for x, value in tuples:
        x.assign(value)


def in_top_k(predictions: Any, targets: Any, k: int) -> Any:
    """Whether each row's class is among its k largest predictions."""
    return ops.in_top_k(targets, predictions, k)


def int_shape(x: Any) -> tuple[int | None, ...]:
    """The sizes of the axes, None for one that is unknown."""
    return tuple(x.shape)


def one_hot(indices: Any, num_classes: int) -> Any:
    """A vector for each number: 1 at its place, 0 elsewhere."""
    return ops.one_hot(indices, num_classes)


def ones(shape: Sequence[int], dtype: Any = None, name: str | None = None) -> Variable:
    """A variable of ones."""
    return variable(np.ones(shape), dtype, name)


def zeros(shape: Sequence[int], dtype: Any = None, name: str | None = None) -> Variable:
    """A variable of zeros."""
    return variable(np.zeros(shape), dtype, name)


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Any:
    """The axes in another order."""
    return ops.transpose(x, pattern)


def random_normal(
    shape: Sequence[int], mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: int | None = None
) -> Any:
    """Draws from N(mean, stddev²)."""
    return random.normal(shape, mean, stddev, dtype, seed)


def truncated_normal(
    shape: Sequence[int], mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: int | None = None
) -> Any:
    """Draws from N(mean, stddev²) that lie within two standard deviations of the mean."""
    return random.truncated_normal(shape, mean, stddev, dtype, seed)


def random_uniform(
    shape: Sequence[int], minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: int | None = None
) -> Any:
    """Draws from [minval, maxval)."""
    return random.uniform(shape, minval, maxval, dtype, seed)


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """`phasewise.activations.relu`."""
    return activations.relu(x, negative_slope=alpha, max_value=max_value, threshold=threshold)


def repeat(x: Any, n: int) -> Any:
    """(rows, n, features): each row n times."""
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    """Every entry `rep` times along an axis."""
    return ops.repeat(x, rep, axis)


def reverse(x: Any, axes: Any) -> Any:
    """The entries along these axes, the last first."""
    return ops.flip(x, axes)


def sqrt(x: Any) -> Any:
    """The root, 0 of a number below 0."""
    return ops.sqrt(ops.maximum(x, 0.0))


def stack(x: Sequence[Any], axis: int = 0) -> Any:
    """Arrays joined along a new axis."""
    return ops.stack(x, axis)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """The one where the condition holds, the other elsewhere; each an array or a function that returns one."""
    chosen: list[Callable[[], Any] | Any] = [then_expression, else_expression]
    return ops.where(condition, *(each() if callable(each) else each for each in chosen))


def update(x: Variable, new_x: Any) -> Variable:
    """Give a variable another value."""
    return x.assign(new_x)


def update_add(x: Variable, increment: Any) -> Variable:
    """Add to a variable's value."""
    return x.assign_add(increment)


def update_sub(x: Variable, decrement: Any) -> Variable:
    """Subtract from a variable's value."""
    return x.assign_sub(decrement)


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Variable:
    """A variable that begins with this value."""
    array = np.asarray(value)
    made = Variable(initializers.Zeros(), array.shape, dtype or floatx(), name=name)
    made.constraint = constraint
    return made.assign(array)
