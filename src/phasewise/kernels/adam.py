"""Adam's update of one array, as one pass over memory: natively, in place, it moves seven arrays' worth where XLA's operations move ten."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters import ad

from phasewise.kernels.native.library import KERNELS, are_always_called, usable
from phasewise.kernels.native.operation import operation

FEWEST_ENTRIES = 1 << 18  # below, XLA is as fast: the arrays stay in the caches


def adam(gradient, param, momentum, velocity, rate, *, beta_1, beta_2, epsilon):
    """The update of Kingma & Ba (2015), with epsilon outside of the correction.

    Args:
        gradient, param, momentum, velocity: arrays of one shape and dtype.
        rate: the learning rate times sqrt(1 - beta_2**t) / (1 - beta_1**t) in the t-th update, a scalar of their dtype.
        beta_1, beta_2: numbers in [0, 1), what of the moments is kept; epsilon: a number that is added to the root.

    Returns:
        (param, momentum, velocity) afterwards.
    """
    arrays = gradient, param, momentum, velocity
    how = {"beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon}
    return _ADAM.bind(*arrays, rate, **how) if _is_native(*arrays) else _plain(*arrays, rate, **how)


def moments_after(gradient, momentum, velocity, beta_1, beta_2):
    """The two moments after a gradient; arguments are those of `adam`."""
    momentum = momentum + (gradient - momentum) * (1 - beta_1)
    velocity = velocity + (gradient * gradient - velocity) * (1 - beta_2)
    # So that XLA does not compute them again for the parameter.
    return jax.lax.optimization_barrier((momentum, velocity))


def _is_native(*arrays):
    return (
        (arrays[0].size >= FEWEST_ENTRIES or are_always_called())
        and all(array.dtype == np.float32 for array in arrays)
        and jax.default_backend() == "cpu"
        and usable(KERNELS)
    )


def _plain(gradient, param, momentum, velocity, rate, *, beta_1, beta_2, epsilon):
    momentum, velocity = moments_after(gradient, momentum, velocity, beta_1, beta_2)
    return [param - momentum * rate / (jnp.sqrt(velocity) + epsilon), momentum, velocity]


_ADAM = operation(
    "phasewise_adam",
    _plain,
    KERNELS,
    "phasewise_adam",
    lambda *arrays, beta_1, beta_2, epsilon: {
        "mean_share": np.float32(1 - beta_1),
        "square_share": np.float32(1 - beta_2),
        "epsilon": np.float32(epsilon),
    },
    operand_output_aliases={1: 0, 2: 1, 3: 2},
)


def _tangent(arrays, tangents, **how):
    moving = [ad.instantiate_zeros(tangent) for tangent in tangents]
    return jax.jvp(lambda *arrays: _plain(*arrays, **how), arrays, tuple(moving))


ad.primitive_jvps[_ADAM] = _tangent
