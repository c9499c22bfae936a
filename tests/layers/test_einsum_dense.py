"""EinsumDense: what its equation may be, and what is said of one that does not fit."""

import jax.numpy as jnp
import numpy as np
import pytest

import phasewise as pw
from phasewise.layers import EinsumDense

pytestmark = pytest.mark.extensive


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ab,bc", 3), "one of the forms 'ab,bc->ac', '...ab,bc->...ac' and 'ab...,bc->ac...'; got 'ab,bc'"),
        (("...ab,bc->ac", 3), "one of the forms"),
        (("a...b,bc->a...c", 3), "one of the forms"),
        ((5, 3), "one of the forms .*; got 5"),
        (("aab,bc->ac", 3), "A letter occurs twice in 'aab'"),
        (("ab,bc->ad", 3), "The axis 'c' in .* has no size: it occurs once"),
        (("ab,b->ad", 3), "The axis 'd' in .* has no size: it occurs once"),
        (("ab,bc->ca", 3), "begins with the batch axis 'a'"),
        (("ab,bc->ac", 0), "output_shape is made of positive integers and None; got 0"),
        (("ab,bc->ac", "3"), "output_shape is made of positive integers and None; got '3'"),
        (
            ("ab,bc->ac", 3, None, None, "zeros", "zeros", None, None, None, None, 1.5),
            "lora_rank must be a positive integer",
        ),
        (
            ("ab,bc->ac", 3, None, None, "zeros", "zeros", None, None, None, None, None, None, 5),
            "gptq_unpacked_column_size=None",
        ),
    ],
)
def test_the_constructor_refuses_what_cannot_be_meant(arguments, message):
    with pytest.raises(ValueError, match=message):
        EinsumDense(*arguments)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (
            EinsumDense("abc,cd->abd", (None, 3), name="e"),
            (2, 5),
            r"'e': the equation .* takes an input with 3 axes; got one of shape \(2, 5\)",
        ),
        (EinsumDense("...bc,cd->...bd", (3, 3), name="e"), (5,), "an input with at least 2 axes"),
        (
            EinsumDense("abc,cd->abd", 3, name="e"),
            (2, 4, 5),
            "output_shape=.* has 1 entries; .* needs 2, for the axes b, d",
        ),
        (
            EinsumDense("abc,cd->abd", (7, 3), name="e"),
            (2, 4, 5),
            "axis 'b' .* has size 4 in the input and 7 in output_shape",
        ),
        (EinsumDense("abc,cd->abd", (None, None), name="e"), (2, 4, 5), "the size of axis 'd' .* is unknown"),
        (
            EinsumDense("ab,bc->ac", 3, bias_axes="b", name="e"),
            (2, 4),
            "bias_axes='b' names the axis 'b', which the output",
        ),
    ],
)
def test_a_shape_that_does_not_fit_is_told_with_the_layer(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer(np.ones(shape))


def test_an_unknown_size_of_the_input_is_told_and_other_unknown_axes_stay():
    with pytest.raises(ValueError, match=r"the size of axis 'c' .* is unknown: give it in output_shape, or in Input"):
        EinsumDense("abc,cd->abd", (None, 3))(pw.Input((4, None)))
    layer = EinsumDense("abc,cd->abd", (None, 3), bias_axes="d")
    assert layer(pw.Input((None, 5))).shape == (None, None, 3)
    assert layer(np.ones((2, 7, 5))).shape == (2, 7, 3)
    with pytest.raises(ValueError, match="expects an input of size 5 on axis 2"):
        layer(np.ones((2, 7, 6)))


def test_axes_under_the_ellipsis_keep_their_order():
    layer = EinsumDense("...x,xy->...y", 7)
    assert layer.compute_output_shape((2, 3, 4, 5)) == (2, 3, 4, 7) == layer(np.ones((2, 3, 4, 5))).shape
    layer = EinsumDense("ab...,bc->ac...", 7)
    assert layer.compute_output_shape((2, 3, 4, 5)) == (2, 7, 4, 5) == layer(np.ones((2, 3, 4, 5))).shape


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16", "bfloat16"])
def test_products_of_half_precision_are_added_up_in_float32(dtype):
    """4096 ones: a sum in bfloat16 stays at 256, one in float16 at 2048."""
    layer = EinsumDense("abc,cd->abd", (None, 2), kernel_initializer="ones", dtype=dtype)
    assert (layer(np.ones((3, 2, 4096))) == 4096).all()
    assert layer(np.ones((3, 2, 4096))).dtype == jnp.dtype(layer.compute_dtype)


def test_fans_are_those_of_the_equation():
    """Glorot's limit is sqrt(6 / (fan_in + fan_out)), with fan_in 6 for the axis that is summed over and fan_out 500 * 2."""
    layer = EinsumDense("abc,cde->abde", (None, 500, 2))
    layer.build((None, 4, 6))
    limit = np.sqrt(6 / (6 + 1000))
    largest = np.abs(layer.kernel.numpy()).max()
    assert 0.95 * limit < largest <= limit


def test_what_makes_the_weights_is_fixed_by_build():
    layer = EinsumDense("ab,bc->ac", 3)
    layer(np.ones((2, 4)))
    with pytest.raises(AttributeError, match=r"bias_axes of EinsumDense .* cannot be set any more"):
        layer.bias_axes = "c"
