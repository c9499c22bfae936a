"""One small call of each operation that has a native kernel, with its gradients, and the kernels that it takes on one device."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core import made_by
from phasewise.kernels import batch_normalization as fused
from phasewise.kernels import pooling
from phasewise.kernels.convolution import convolve, convolve_transposed
from phasewise.kernels.convolution_sizes import Around

SHAPES = {
    "convolution": ((8, 9, 8, 6), (3, 3, 6, 4)),
    "grouped convolution": ((8, 9, 8, 6), (3, 3, 3, 4)),
    "transposed convolution": ((8, 5, 4, 4), (3, 3, 6, 4)),
    "normalization": ((8, 9, 8, 6), (6,), (6,)),
    "normalization with a mask": ((8, 9, 8, 6), (6,), (6,)),
    "normalization, sum and rectifier": ((8, 9, 8, 6), (6,), (6,), (8, 9, 8, 6)),
    "maximum": ((8, 9, 8, 6),),
    "mean": ((8, 9, 8, 6),),
}


def arrays_of(name):
    """What the operation is called on."""
    rng = np.random.default_rng(0)
    return [jnp.asarray(rng.standard_normal(shape) + 0.5, jnp.float32) for shape in SHAPES[name]]


def native_kernels(text):
    """The native kernels that a lowered program calls."""
    return set(re.findall(r"custom_call @(phasewise_\w+)", text))


def with_gradients(function):
    """The result and the gradients of the sum of its sines by all arguments."""

    def computed(*arrays):
        y, pullback = jax.vjp(function, *arrays)
        return y, pullback(jnp.cos(y))

    return computed


def normalized(x, gamma, beta, residual=None, *, mask=None, rectify=False):
    """Batch normalization by the batch's moments, as a layer calls it."""
    with made_by.remembered():
        found = fused.own_moments(x, mask)
        y = fused.normalized_by_own(x, found, mask, gamma=gamma, beta=beta, epsilon=1e-3, dtype=jnp.float32)
        y = y if residual is None else fused.summed(y + residual, y, residual)
        return fused.rectified(y) if rectify else y


_WINDOW = {"window": (1, 3, 2, 1), "strides": (1, 2, 1, 1), "padding": "same"}
_STEPS = {"padding": (Around(1, 1),) * 2, "dilation": (1, 1)}
_NORMALIZATION = {"phasewise_batch_moments", "phasewise_batch_normalize", "phasewise_batch_gradient"}
_MASK = (np.arange(8) < 5).reshape(8, 1, 1, 1)

OPERATIONS = {
    name: (with_gradients(function), kernels)
    for name, function, kernels in (
        ("convolution", functools.partial(convolve, strides=(1, 2), **_STEPS), {"phasewise_direct"}),
        (
            "grouped convolution",
            functools.partial(convolve, strides=(1, 1), groups=2, **_STEPS),
            {"phasewise_convolution"},
        ),
        (
            "transposed convolution",
            functools.partial(convolve_transposed, strides=(2, 2), **_STEPS),
            {"phasewise_direct"},
        ),
        ("normalization", normalized, _NORMALIZATION),
        ("normalization with a mask", functools.partial(normalized, mask=_MASK), _NORMALIZATION),
        ("normalization, sum and rectifier", functools.partial(normalized, rectify=True), _NORMALIZATION),
        (
            "maximum",
            functools.partial(pooling.max_pool, **_WINDOW),
            {"phasewise_max_pool", "phasewise_max_pool_gradient"},
        ),
        (
            "mean",
            functools.partial(pooling.average_pool, **_WINDOW),
            {"phasewise_average_pool", "phasewise_average_pool_gradient"},
        ),
    )
}
