"""Layers of random kinds, shapes and types that native kernels may compute, each as a pure function and what it is called on."""

import jax
import jax.numpy as jnp
import numpy as np

import phasewise as pw

TYPES = ("float32", "float32", "bfloat16")
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def case(rng):
    """(description, function, arrays): one random layer, or an optimizer's step. `rng` is a `numpy.random.Generator`."""
    kind = rng.choice(["convolution", "convolution", "transposed", "depthwise", "normalization", "pooling", "adam"])
    return {
        "convolution": convolution,
        "transposed": transposed,
        "depthwise": depthwise,
        "normalization": normalization,
        "pooling": pooling,
        "adam": adam,
    }[kind](rng)


def convolution(rng):
    """1 to 3 dimensions, strided or dilated, grouped, with and without bias."""
    dimensions = int(rng.integers(1, 4))
    layer = (pw.layers.Conv1D, pw.layers.Conv2D, pw.layers.Conv3D)[dimensions - 1]
    groups = int(rng.choice([1, 1, 1, 2, 4]))
    wide, dtype = bool(rng.integers(2)), str(rng.choice(TYPES))
    arguments = {
        "filters": groups * int(rng.integers(1, 17 if wide else 5)),
        "kernel_size": _window(rng, dimensions),
        "padding": str(rng.choice(["same", "valid"])),
        "groups": groups,
        "use_bias": bool(rng.integers(2)),
        **_steps(rng, dimensions),
    }
    return _layer(rng, layer, arguments, dimensions, groups * int(rng.integers(1, 17 if wide else 5)), dtype)


def transposed(rng):
    """A transposed convolution of 1 or 2 dimensions."""
    dimensions = int(rng.integers(1, 3))
    layer = (pw.layers.Conv1DTranspose, pw.layers.Conv2DTranspose)[dimensions - 1]
    arguments = {
        "filters": int(rng.integers(1, 17)),
        "kernel_size": _window(rng, dimensions),
        "padding": str(rng.choice(["same", "valid"])),
        "strides": int(rng.integers(1, 4)),
    }
    return _layer(rng, layer, arguments, dimensions, int(rng.integers(1, 17)), str(rng.choice(TYPES)))


def depthwise(rng):
    """A depthwise convolution of images."""
    arguments = {
        "kernel_size": int(rng.integers(1, 6)),
        "padding": str(rng.choice(["same", "valid"])),
        "strides": int(rng.integers(1, 3)),
        "depth_multiplier": int(rng.integers(1, 3)),
    }
    return _layer(rng, pw.layers.DepthwiseConv2D, arguments, 2, int(rng.integers(1, 33)), str(rng.choice(TYPES)))


def normalization(rng):
    """Batch normalization in training of numbers around 2, with a ReLU behind it or none."""
    dimensions, channels, dtype = int(rng.integers(0, 4)), int(rng.integers(1, 70)), str(rng.choice(TYPES))
    policy = POLICIES[dtype]
    layers = [pw.layers.BatchNormalization(dtype=policy)] + [pw.layers.ReLU(dtype=policy)] * int(rng.integers(2))
    return _layer(rng, None, {}, dimensions, channels, dtype, layers, mean=2)


def pooling(rng):
    """Maximum or average pooling of 1 to 3 dimensions."""
    dimensions = int(rng.integers(1, 4))
    name = str(rng.choice(["MaxPooling", "AveragePooling"])) + f"{dimensions}D"
    arguments = {
        "pool_size": int(rng.integers(1, 4)),
        "strides": int(rng.integers(1, 4)),
        "padding": str(rng.choice(["same", "valid"])),
    }
    return _layer(
        rng, getattr(pw.layers, name), arguments, dimensions, int(rng.integers(1, 33)), str(rng.choice(TYPES))
    )


def adam(rng):
    """Two steps of Adam on arrays of random shapes."""
    optimizer = pw.optimizers.Adam(float(rng.uniform(1e-4, 1e-2)), amsgrad=bool(rng.integers(2)))
    shapes = [tuple(rng.integers(1, 60, rng.integers(1, 4))) for _ in range(rng.integers(1, 4))]
    params = [_array(rng, shape, "float32") for shape in shapes]
    slopes = [[_array(rng, shape, "float32") for shape in shapes] for _ in range(2)]

    def function(params, first, second):
        state = optimizer.init(params)
        params, state = optimizer.update(first, state, params)
        return optimizer.update(second, state, params)

    return f"Adam of {shapes}", function, (params, *slopes)


def _layer(rng, kind, arguments, dimensions, channels, dtype, layers=None, mean=0):
    """A layer's outputs, new state and gradients, as a function of weights, state, inputs and the outputs' slope."""
    shape = (
        int(rng.integers(1, 9)),
        *(int(size) for size in rng.integers(9, 40 if dimensions < 3 else 12, dimensions)),
        channels,
    )
    layers = layers or [kind(**arguments, dtype=POLICIES[dtype])]
    model = pw.Sequential([pw.Input(shape[1:]), *layers])
    function, weights, state = pw.pure(model)
    weights = {name: _array(rng, array.shape, "float32") for name, array in weights.items()}
    x = _array(rng, shape, dtype) + jnp.asarray(mean, dtype)
    structure = jax.eval_shape(lambda: function(weights, state, x, training=True)[0])
    slope = _array(rng, structure.shape, structure.dtype)

    def with_gradients(weights, state, x, slope):
        y, pullback, new = jax.vjp(lambda w, x: function(w, state, x, training=True), weights, x, has_aux=True)
        return y, new, pullback(slope)

    names = ", ".join(type(layer).__name__ for layer in layers)
    return f"{names}({arguments}) of {shape}, {dtype}", with_gradients, (weights, state, x, slope)


def _window(rng, dimensions):
    return tuple(int(size) for size in rng.integers(1, 6 if dimensions < 3 else 4, dimensions))


def _steps(rng, dimensions):
    """Strides or a dilation above 1: both together are refused."""
    kind = rng.choice(["strides", "dilation_rate", "none"])
    return {} if kind == "none" else {str(kind): tuple(int(n) for n in rng.integers(1, 3, dimensions))}


def _array(rng, shape, dtype):
    return jnp.asarray(rng.standard_normal(shape, np.float32), dtype)
