"""Seconds of the convolutions of a training step of ResNet-20: forward, both gradients (for the images, one), each by itself.

`step_convolutions.py LIBRARY [bfloat16]`: the sum of medians.
"""

import json

import jax
import jax.numpy as jnp
import numpy as np
from convolution_shapes import BATCH, SHAPES
from libraries import arguments_given, load, name_given
from timing import median_seconds

library = load(name_given())
dtype = jnp.dtype(*arguments_given() or ["float32"])
rng = np.random.RandomState(0)


def programs(shape):
    """The three programs of one convolution, with what they are called on; the images themselves have no gradient."""
    size, channels, filters, kernel, strides = shape
    layer = library.layers.Conv2D(
        filters,
        kernel,
        strides=strides,
        padding="same",
        use_bias=False,
        dtype=None if dtype == "float32" else "mixed_bfloat16",
    )
    layer.build((BATCH, size, size, channels))
    function, weights, state = library.pure(layer)
    x = jnp.asarray(rng.randn(BATCH, size, size, channels), dtype)
    weights = jax.tree.map(lambda array: array.astype(dtype), weights)
    y = function(weights, state, x)[0]
    yield jax.jit(lambda weights, x, slope: function(weights, state, x)[0]), (weights, x, y)
    yield (
        jax.jit(lambda weights, x, slope: pulled(lambda weights: function(weights, state, x)[0], weights, slope)),
        (
            weights,
            x,
            y,
        ),
    )
    if channels != 3:
        yield (
            jax.jit(lambda weights, x, slope: pulled(lambda x: function(weights, state, x)[0], x, slope)),
            (weights, x, y),
        )


def pulled(function, at, slope):
    """The gradient of `function` at `at`, pulled back from `slope`."""
    return jax.vjp(function, at)[1](slope)


def seconds(shape):
    """The sum of the medians of one convolution's programs."""
    return sum(
        median_seconds(lambda: jax.block_until_ready(program(*given)), times=15, before=3)  # noqa: B023
        for program, given in programs(shape)
    )


print(json.dumps({"value": sum(count * seconds(shape) for shape, count in SHAPES.items())}))
