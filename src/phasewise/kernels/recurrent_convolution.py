"""A recurrent step whose products are convolutions: the state is a picture, and each place sees the places around it."""

import math

import jax.numpy as jnp

from phasewise.kernels.convolution import convolve
from phasewise.kernels.convolution_sizes import around


def convolve_each(x, kernel, strides, padding, dilation, kept=None):
    """`convolve` over any number of leading axes at once, the input thinned by dropout, channels last.

    Args:
        x: (..., *positions, channels).
        kernel: (*window, channels, gates * filters).
        strides, padding, dilation: as for `convolve`.
        kept: what dropout multiplies `x` by, an array that broadcasts against (..., *positions, gates * channels): each gate sees
            an input of its own. None keeps all.

    Returns:
        (..., *positions, gates * filters).
    """
    gates = 1
    if kept is not None:
        gates = kept.shape[-1] // x.shape[-1]
        x = jnp.concatenate([x] * gates, -1) * kept
    leading = x.shape[: -len(strides) - 1]
    rows = x.reshape(math.prod(leading), *x.shape[len(leading) :])
    outputs = convolve(rows, kernel, strides, padding, dilation, groups=gates)
    return outputs.reshape(*leading, *outputs.shape[1:])


def with_convolution(step):
    """A `Step` for `recurrence_of_any_step` whose product is a convolution of the state, in as many positions as it has.

    The weights are the kernel (*window, filters, gates * filters), and `kept` is that of `convolve_each`.
    """

    def convolved(projected, states, kernel, kept):
        h, window = states[0].astype(kernel.dtype), kernel.shape[:-2]
        ones = (1,) * len(window)
        padding = tuple(around("same", *each, 1, 1) for each in zip(h.shape[1:-1], window))
        return step(projected, convolve_each(h, kernel, ones, padding, ones, kept), states)

    return convolved
