"""Each op beside Keras's, on JAX: values, shapes, dtypes; of arrays and of symbolic tensors."""

import functools

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from draws import in_dtype
from numpy_rows import ELEMENTWISE, NUMPY, REDUCTIONS
from ops_rows import ROWS

import phasewise as pw

# Keras has a value here that is none, or refuses what it takes elsewhere.
NO_WHOLE_NUMBERS = {"hard_tanh", "sigmoid", "silu", "swish", "erf", "rsqrt", "log_sigmoid"}
# Maps of the plane whose numbers are too coarse in 8 bits, and ops that know no bfloat16.
NO_BFLOAT16 = {
    "image.affine_transform",
    "image.perspective_transform",
    "image.map_coordinates",
    "view",
    "is_tensor",
    "nextafter",
}
# Keras does not know the shape, or the result is no tensor; ours are looked at below.
NOT_SYMBOLIC = {
    "array": "takes what holds numbers",
    "bincount": "its shape depends on the numbers",
    "convert_to_numpy": "takes what holds numbers",
    "dtype": "gives a name",
    "is_tensor": "gives a boolean",
    "ndim": "gives an int here, a tensor in Keras",
    "nonzero": "its shape depends on the numbers",
    "shape": "gives a tuple",
    "size": "gives an int here where it is known, a tensor in Keras",
    "unique": "its shape depends on the numbers",
}
# The first axis must have a size that fits the others', or Keras holds another axis for that of the rows.
ROWS_ARE_KNOWN = {"broadcast_to", "categorical_crossentropy", "cross", "image.scale_and_translate", "trapezoid"}


def found(library, name):
    """The op of this name, which may stand in a namespace."""
    return functools.reduce(getattr, name.split("."), library.ops)


def labelled(rows):
    """Parameters: of each op the first row in every run, the others in a run of all."""
    seen, made = set(), []
    for name, args, kwargs in rows:
        marks = [pytest.mark.extensive] if name in seen else []
        made.append(pytest.param(name, args, kwargs, id=f"{name}-{len(made)}", marks=marks))
        seen.add(name)
    return made


def compare(name, args, kwargs, tolerance):
    """Same structure, dtypes, shapes and values; returns ours."""
    results = [found(library, name)(*args, **kwargs) for library in (pw, keras)]
    ours, theirs = map(jax.tree.leaves, results)
    assert len(ours) == len(theirs)
    for mine, its in zip(ours, theirs):
        if isinstance(its, str | bool | int):
            assert mine == its
            continue
        mine, its = np.asarray(mine), np.asarray(its)
        assert (mine.dtype, mine.shape) == (its.dtype, its.shape)
        wide = "complex128" if mine.dtype.kind == "c" else "float64"
        np.testing.assert_allclose(mine.astype(wide), its.astype(wide), rtol=tolerance, atol=tolerance)
    return ours


def symbolic(library, structure, unknown):
    """Symbolic tensors in the places of arrays, with sizes unknown for some of them."""
    if isinstance(structure, dict):
        return {name: symbolic(library, each, unknown) for name, each in structure.items()}
    if isinstance(structure, list | tuple):
        return type(structure)(symbolic(library, each, unknown) for each in structure)
    if not isinstance(structure, np.ndarray) or not structure.ndim:
        return structure
    shape = (None, *structure.shape[1:]) if any(structure is each for each in unknown) else structure.shape
    return library.Input(batch_shape=shape, dtype=str(structure.dtype))


def specs(library, name, args, kwargs, unknown=()):
    """(shape, dtype) of what comes of symbolic tensors."""
    result = found(library, name)(*symbolic(library, args, unknown), **symbolic(library, kwargs, unknown))
    leaves = jax.tree.leaves(result, is_leaf=lambda leaf: hasattr(leaf, "dtype"))
    return [(tuple(leaf.shape), str(leaf.dtype)) for leaf in leaves]


def may_be(specs, known):
    """Whether shapes, None for unknown axes, are those of what is known."""
    return len(specs) == len(known) and all(
        len(shape) == len(real) and all(n in (None, size) for n, size in zip(shape, real)) and dtype == its
        for (shape, dtype), (real, its) in zip(specs, known)
    )


def check_symbolic(name, args, kwargs, results):
    """Of symbolic tensors come the shapes and dtypes that come of arrays; an unknown number of rows stays unknown, as in Keras."""
    known = [(np.shape(each), str(each.dtype)) for each in results]
    assert specs(pw, name, args, kwargs) == known
    arrays = [each for each in jax.tree.leaves((args, kwargs)) if isinstance(each, np.ndarray) and each.ndim]
    unknown = [each for each in arrays if len(each) == len(arrays[0])]
    try:
        theirs = specs(keras, name, args, kwargs, unknown)
    except (TypeError, ValueError, AttributeError):
        return  # Keras refuses an unknown size here, or always
    if may_be(theirs, known) and name not in ROWS_ARE_KNOWN:
        assert specs(pw, name, args, kwargs, unknown) == theirs


@pytest.mark.parametrize(("name", "args", "kwargs"), labelled(ROWS))
@pytest.mark.few(48)
def test_an_op_gives_what_keras_gives(name, args, kwargs):
    results = compare(name, args, kwargs, 1e-5)
    depends_on_numbers = name in NOT_SYMBOLIC or (name == "where" and len(args) == 1)
    if not depends_on_numbers and any(isinstance(each, np.ndarray) for each in jax.tree.leaves(args)):
        check_symbolic(name, args, kwargs, results)


@pytest.mark.extensive
@pytest.mark.parametrize(
    ("name", "args", "kwargs"), [row for row in labelled(ROWS) if row.values[0] not in NO_BFLOAT16]
)
def test_in_bfloat16_too_where_keras_takes_it(name, args, kwargs):
    compare_or_refuse(name, in_dtype(args, jnp.bfloat16), in_dtype(kwargs, jnp.bfloat16), 4e-2)


def compare_or_refuse(name, args, kwargs, tolerance):
    """What Keras computes is computed here, and what it refuses is refused."""
    try:
        found(keras, name)(*args, **kwargs)
    except Exception as refusal:
        with pytest.raises((TypeError, ValueError, NotImplementedError, type(refusal))):
            found(pw, name)(*args, **kwargs)
    else:
        compare(name, args, kwargs, tolerance)


OF_WHOLE = [*ELEMENTWISE, *(row for row in NUMPY if row[0] in REDUCTIONS and "initial" not in row[2])]


@pytest.mark.extensive
@pytest.mark.parametrize("dtype", ["int32", "int8", "uint8", "bool"])
@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    [row for row in labelled(OF_WHOLE) if row.values[0] not in NO_WHOLE_NUMBERS and "dtype" not in row.values[2]],
)
def test_of_whole_numbers_and_booleans_too(name, args, kwargs, dtype):
    whole = [np.clip(np.abs(each) * 2 + 1, 0, 9).astype(dtype) for each in args]
    compare_or_refuse(name, whole, kwargs, 1e-5)
