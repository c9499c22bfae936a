"""Keras's `ops`: functions of arrays, variables and symbolic tensors alike, under Keras's names, arguments and dtypes.

Of a symbolic tensor a call is recorded in the graph. What Keras's `ops` do not have is taken from jax.numpy, jax.nn and jax.lax, with
JAX's arguments. Your own functions go through `phasewise.ops.apply(function, x)` or a `Lambda` layer.
"""

import jax
import jax.numpy as jnp

from phasewise.core import public, registry
from phasewise.graph.symbolic import apply as apply
from phasewise.ops import image as image
from phasewise.ops import linalg as linalg
from phasewise.ops import nn as nn
from phasewise.ops import numpy as numpy
from phasewise.ops.control_flow import (
    associative_scan,
    cond,
    custom_gradient,
    fori_loop,
    map,
    scan,
    switch,
    vectorized_map,
    while_loop,
)
from phasewise.ops.fourier import extract_sequences, fft, fft2, ifft2, irfft, istft, rfft, stft
from phasewise.ops.linalg import *  # noqa: F403
from phasewise.ops.math import (
    cdist,
    erf,
    erfc,
    erfinv,
    in_top_k,
    logdet,
    logsumexp,
    rsqrt,
    segment_max,
    segment_min,
    segment_prod,
    segment_sum,
    top_k,
    view_as_complex,
    view_as_real,
)
from phasewise.ops.nn import *  # noqa: F403
from phasewise.ops.numpy import *  # noqa: F403
from phasewise.ops.op import op
from phasewise.ops.rearranging import rearrange
from phasewise.ops.tensors import (
    cast,
    convert_to_numpy,
    convert_to_tensor,
    dtype,
    is_tensor,
    saturate_cast,
    shape,
    stop_gradient,
    unstack,
)
from phasewise.ops.updates import scatter, scatter_update, slice, slice_update

_ROOMS = (jnp, jax.nn, jax.lax)

__all__ = [
    "apply",
    "associative_scan",
    "cast",
    "cdist",
    "cond",
    "convert_to_numpy",
    "convert_to_tensor",
    "custom_gradient",
    "dtype",
    "erf",
    "erfc",
    "erfinv",
    "extract_sequences",
    "fft",
    "fft2",
    "fori_loop",
    "ifft2",
    "image",
    "in_top_k",
    "irfft",
    "is_tensor",
    "istft",
    "linalg",
    "logdet",
    "logsumexp",
    "map",
    "nn",
    "numpy",
    "rearrange",
    "rfft",
    "rsqrt",
    "saturate_cast",
    "scan",
    "scatter",
    "scatter_update",
    "segment_max",
    "segment_min",
    "segment_prod",
    "segment_sum",
    "shape",
    "slice",
    "slice_update",
    "stft",
    "stop_gradient",
    "switch",
    "top_k",
    "unstack",
    "vectorized_map",
    "view_as_complex",
    "view_as_real",
    "while_loop",
]
__all__ += linalg.__all__
__all__ += nn.__all__
__all__ += numpy.__all__


def __getattr__(name):
    """A function of JAX that Keras's `ops` do not have."""
    found = next((getattr(room, name) for room in _ROOMS if callable(getattr(room, name, None))), None)
    if name.startswith("_") or found is None:
        raise AttributeError(f"phasewise.ops has no {name!r}.{registry.did_you_mean(name, __dir__())}", name=name)
    if isinstance(found, type):
        return found
    wrapped = op(found)
    wrapped.__module__, wrapped.__qualname__ = __name__, name  # where pickle finds it again
    globals()[name] = wrapped
    return wrapped


def __dir__():
    return sorted({*(n for room in _ROOMS for n in dir(room) if not n.startswith("_")), *globals()})


public.finish(__name__)
