"""What holds for every layer of the table of parity: it computes in half precision, and axes of unknown size stay unknown."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_parity import TABLE, made, marked

import phasewise as pw
from parity import Ids, called, inputs_of

rows = pytest.mark.parametrize(
    "name, arguments, shapes", list(marked(TABLE)), ids=lambda v: v if isinstance(v, str) else None
)
# What must be known though no weight depends on it; each says so.
KNOWN = {
    "LayerNormalization": "the axes that it normalizes over",
    "GroupNormalization": "the channels, which are cut into groups",
    "Normalization": "the axes that have a mean each",
    "Attention": "the features",
    "AdditiveAttention": "the features",
}
DROP_ONE = {"CategoryEncoding", "Discretization"}  # in "one_hot" a last axis of one entry is left out, as in Keras
MORE = 6  # entries by which an axis is made longer


def in_half(x):
    """Floats that bfloat16 holds exactly."""
    return jax.tree.map(lambda a: np.asarray(jnp.asarray(a, jnp.bfloat16), "float32") if a.dtype.kind == "f" else a, x)


@rows
@pytest.mark.few(20)
def test_under_mixed_bfloat16_the_output_is_that_of_float32_to_half_precision(name, arguments, shapes):
    x = in_half(inputs_of(shapes))
    single = made(pw, name, arguments)
    expected = called(single, x)
    with pw.core.precision.dtype_policy_scope("mixed_bfloat16"):
        half = made(pw, name, arguments)
    called(half, x)
    half.set_weights(single.get_weights())
    assert all(weight.dtype == "float32" for weight in half.trainable_variables)
    for ours, wide in zip(jax.tree.leaves(called(half, x)), jax.tree.leaves(expected), strict=True):
        assert ours.dtype == ("bfloat16" if wide.dtype == "float32" else wide.dtype)
        scale = max(1.0, float(np.abs(np.asarray(wide)).max()))
        np.testing.assert_allclose(np.asarray(ours, "float32"), np.asarray(wide), rtol=2e-2, atol=2e-2 * scale)


def lengthened(shapes, axis, which):
    """The shapes with `axis` longer in the inputs whose number is in `which`; None where one has no such axis."""
    leaves, tree = jax.tree.flatten(shapes, is_leaf=is_shape)
    if any(len(leaves[number]) <= axis for number in which):
        return None
    for number in which:
        longer = tuple(size + MORE * (i == axis) for i, size in enumerate(leaves[number]))
        leaves[number] = Ids(leaves[number].count, longer) if isinstance(leaves[number], Ids) else longer
    return jax.tree.unflatten(tree, leaves)


def is_shape(item):
    return isinstance(item, tuple)


def seen(layer, shapes):
    """(shapes of the weights, shapes of the outputs) for inputs of these shapes; None where the layer refuses them."""
    x = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), inputs_of(shapes))
    try:
        outputs = jax.eval_shape(lambda x: called(layer, x), x)
    except (ValueError, TypeError):
        return None
    return [w.shape for w in layer.weights], [leaf.shape for leaf in jax.tree.leaves(outputs)]


def symbolic(layer, shapes, longer):
    """The shapes of the outputs where each axis whose sizes differ is unknown."""

    def spec(a, b, x):
        return pw.Input([m if m == n else None for m, n in zip(a[1:], b[1:])], dtype=x.dtype.name)

    inputs = jax.tree.map(spec, shapes, longer, inputs_of(shapes), is_leaf=is_shape)
    return [tensor.shape for tensor in jax.tree.leaves(called(layer, inputs), is_leaf=lambda t: hasattr(t, "node"))]


@rows
@pytest.mark.few(20)
def test_an_axis_that_may_have_any_size_may_be_unknown_and_stays_so(name, arguments, shapes):
    leaves = jax.tree.leaves(shapes, is_leaf=is_shape)
    short = seen(made(pw, name, arguments), shapes)
    choices = [[number] for number in range(len(leaves))] + [list(range(len(leaves)))] * (len(leaves) > 1)
    for which in choices:
        for axis in range(1, max(map(len, leaves))):
            longer = lengthened(shapes, axis, which)
            found = longer and seen(made(pw, name, arguments), longer)
            if not found or found[0] != short[0]:
                continue  # the weights depend on it, or the other inputs do
            if name in DROP_ONE and leaves[0][axis] == 1:
                continue  # its size decides how many axes come out
            expected = [
                (None, *(m if m == n else None for m, n in zip(a[1:], b[1:], strict=True)))
                for a, b in zip(short[1], found[1], strict=True)
            ]
            layer = made(pw, name, arguments)
            try:
                assert symbolic(layer, shapes, longer) == expected, (axis, which)
            except ValueError as error:
                assert "needs a known" in str(error) and (name in KNOWN or arguments.get("unroll")), (axis, which)
