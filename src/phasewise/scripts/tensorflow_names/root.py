"""The root of `tensorflow`: dtypes and the functions of arrays that scripts use most."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import jax
import ml_dtypes
import numpy as np

from phasewise import ops
from phasewise.core.variable import Variable
from phasewise.data import TensorSpec
from phasewise.scripts.tensorflow_names import mathematics
from phasewise.scripts.tensorflow_names.mathematics import *  # noqa: F403

_DTYPES = "bool float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 complex64 complex128"
_IN_MATH_ALONE = """
    ceil divide_no_nan erf expm1 is_finite is_inf is_nan l2_normalize log log1p logical_xor reciprocal reduce_std reduce_variance rsqrt
    softplus squared_difference top_k
"""

__all__ = [
    *_DTYPES.split(),
    *sorted(set(mathematics.__all__) - set(_IN_MATH_ALONE.split())),
    "Tensor",
    "TensorSpec",
    "Variable",
    "bfloat16",
    "cast",
    "clip_by_value",
    "concat",
    "constant",
    "convert_to_tensor",
    "executing_eagerly",
    "expand_dims",
    "eye",
    "fill",
    "function",
    "gather",
    "get_logger",
    "identity",
    "is_tensor",
    "matmul",
    "one_hot",
    "ones",
    "ones_like",
    "pad",
    "range",
    "rank",
    "repeat",
    "reshape",
    "shape",
    "split",
    "squeeze",
    "stack",
    "stop_gradient",
    "string",
    "tile",
    "transpose",
    "unstack",
    "where",
    "zeros",
    "zeros_like",
]

globals().update({name: np.dtype(name) for name in _DTYPES.split()})
bfloat16, string = np.dtype(ml_dtypes.bfloat16), "string"
Tensor = jax.Array


def constant(value: Any, dtype: Any = None, shape: Sequence[int] | None = None, name: str | None = None) -> Any:
    """An array of numbers, all the same where `shape` is larger than `value`."""
    array = ops.convert_to_tensor(value, dtype)
    if shape is None:
        return array
    return ops.broadcast_to(array, shape) if array.size == 1 else ops.reshape(array, shape)


def convert_to_tensor(value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None) -> Any:
    """An array of numbers."""
    return ops.convert_to_tensor(value, dtype)


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """The entries as another dtype."""
    return ops.cast(x, dtype)


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """The entries, none below the one and none above the other."""
    return ops.clip(t, clip_value_min, clip_value_max)


def concat(values: Sequence[Any], axis: int, name: str | None = None) -> Any:
    """Arrays joined along an axis that they have."""
    return ops.concatenate(values, axis)


def executing_eagerly() -> bool:
    """Whether functions are called as they are written, and not traced."""
    return jax.core.trace_ctx.is_top_level() if hasattr(jax.core, "trace_ctx") else True


def expand_dims(input: Any, axis: int, name: str | None = None) -> Any:
    """The array with one more axis, of size 1."""
    return ops.expand_dims(input, axis)


def eye(
    num_rows: int,
    num_columns: int | None = None,
    batch_shape: Any = None,
    dtype: Any = "float32",
    name: str | None = None,
) -> Any:
    """The identity matrix."""
    if batch_shape is not None:
        raise ValueError("tensorflow.eye has no batch_shape here: broadcast the matrix.")
    return ops.eye(num_rows, num_columns, dtype=dtype)


def fill(dims: Sequence[int], value: Any, name: str | None = None) -> Any:
    """An array of one value."""
    return ops.full(dims, value)


def function(func: Callable[..., Any] | None = None, input_signature: Any = None, **options: Any) -> Callable[..., Any]:
    """The function as it is: phasewise compiles what it runs, and what else is called is called by Python."""
    return func if func is not None else lambda given: given


def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: int | None = None,
    batch_dims: int = 0,
    name: str | None = None,
) -> Any:
    """Entries by their place along an axis: the first, unless one is given."""
    if batch_dims:
        raise ValueError(f"tensorflow.gather has no batch_dims here; got {batch_dims}. Use keras.ops.take_along_axis.")
    return ops.take(params, indices, 0 if axis is None else axis)


def get_logger() -> logging.Logger:
    """A logger of the name "tensorflow", to which nobody writes."""
    return logging.getLogger("tensorflow")


def identity(input: Any, name: str | None = None) -> Any:
    """The array."""
    return ops.convert_to_tensor(input)


def is_tensor(x: Any) -> bool:
    """Whether it is an array of JAX, or a symbolic one."""
    return ops.is_tensor(x)


def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    output_type: Any = None,
    grad_a: bool = False,
    grad_b: bool = False,
    name: str | None = None,
) -> Any:
    """The product of matrices, the last two axes. What is said of sparse matrices and of gradients changes no number."""
    product = ops.matmul(_turned(a, transpose_a, adjoint_a), _turned(b, transpose_b, adjoint_b))
    return product if output_type is None else ops.cast(product, output_type)


def _turned(matrix, transpose, adjoint):
    if transpose and adjoint:
        raise ValueError("tensorflow.matmul takes a matrix transposed or adjoint, not both.")
    matrix = ops.conjugate(matrix) if adjoint else matrix
    return ops.swapaxes(matrix, -1, -2) if transpose or adjoint else matrix


def one_hot(
    indices: Any,
    depth: int,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Any:
    """A vector for each number: 1 at its place, 0 elsewhere."""
    hot = ops.one_hot(indices, depth, axis=-1 if axis is None else axis, dtype=dtype or "float32")
    if on_value is None and off_value is None:
        return hot
    return ops.where(ops.equal(hot, 1), 1 if on_value is None else on_value, 0 if off_value is None else off_value)


def ones(shape: Sequence[int], dtype: Any = "float32", name: str | None = None) -> Any:
    """An array of ones."""
    return ops.ones(shape, dtype)


def ones_like(input: Any, dtype: Any = None, name: str | None = None) -> Any:
    """An array of ones, of the shape of another."""
    return ops.ones_like(input, dtype)


def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0, name: str | None = None) -> Any:
    """The array with more entries before and behind it along each axis."""
    mode = mode.lower()
    return ops.pad(tensor, paddings, mode, constant_values if mode == "constant" else None)


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = None) -> Any:
    """Evenly spaced numbers."""
    return ops.arange(0, start, delta, dtype) if limit is None else ops.arange(start, limit, delta, dtype)


def rank(input: Any, name: str | None = None) -> int:
    """The number of axes."""
    return len(ops.shape(input))


def repeat(input: Any, repeats: Any, axis: int | None = None, name: str | None = None) -> Any:
    """Entries several times over."""
    return ops.repeat(input, repeats, axis)


def reshape(tensor: Any, shape: Sequence[int], name: str | None = None) -> Any:
    """The entries in another shape."""
    return ops.reshape(tensor, shape)


def shape(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    """The sizes of the axes, as a tuple."""
    return ops.shape(input)


def split(value: Any, num_or_size_splits: Any, axis: int = 0, num: int | None = None, name: str | None = None) -> Any:
    """Parts along an axis: so many equal ones, or of these sizes."""
    if isinstance(num_or_size_splits, int):
        return ops.split(value, num_or_size_splits, axis)
    return ops.split(value, list(np.cumsum(num_or_size_splits)[:-1]), axis)


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Any:
    """The array without axes of size 1."""
    return ops.squeeze(input, axis)


def stack(values: Sequence[Any], axis: int = 0, name: str | None = None) -> Any:
    """Arrays joined along a new axis."""
    return ops.stack(values, axis)


def stop_gradient(input: Any, name: str | None = None) -> Any:
    """The array, a constant to the gradient."""
    return ops.stop_gradient(input)


def tile(input: Any, multiples: Sequence[int], name: str | None = None) -> Any:
    """The array several times over along each axis."""
    return ops.tile(input, multiples)


def transpose(a: Any, perm: Sequence[int] | None = None, conjugate: bool = False, name: str | None = None) -> Any:
    """The axes in another order: the opposite one, unless one is given."""
    turned = ops.transpose(a, perm)
    return ops.conjugate(turned) if conjugate else turned


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str | None = None) -> Any:
    """The parts of an array along an axis, which they do not have any more."""
    return ops.unstack(value, num, axis)


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """Entries of `x` where the condition holds, of `y` elsewhere; without both, the places where it holds, one a row."""
    if x is None and y is None:
        return ops.stack(ops.nonzero(condition), -1)
    return ops.where(condition, x, y)


def zeros(shape: Sequence[int], dtype: Any = "float32", name: str | None = None) -> Any:
    """An array of zeros."""
    return ops.zeros(shape, dtype)


def zeros_like(input: Any, dtype: Any = None, name: str | None = None) -> Any:
    """An array of zeros, of the shape of another."""
    return ops.zeros_like(input, dtype)
