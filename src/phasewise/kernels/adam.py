"""Adam's update of one array, as one pass over memory: natively, in place, it moves seven arrays' worth where XLA's operations move ten.

The gradient by a large kernel is a product of two small matrices. Where it is known to be one, it is not written at all: each part of
it goes into the update as it is computed, while memory brings the weights that it changes.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters import ad

from phasewise.core import made_by
from phasewise.kernels.matrix_product import KernelGradient
from phasewise.kernels.native.library import KERNELS, are_always_called, are_at_hand
from phasewise.kernels.native.operation import operation

FEWEST_ENTRIES = 1 << 19  # below, XLA is as fast: the arrays stay in the caches (measured on two cores)


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
    if not _is_native(*arrays):
        return _plain(*arrays, rate, **how)
    made = made_by.of(gradient)
    if isinstance(made, KernelGradient) and param.ndim == 2:
        return _ADAM_OF_PRODUCT.bind(*made, param, momentum, velocity, rate, **how)
    return _ADAM.bind(*arrays, rate, **how)


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
        and are_at_hand(*arrays)
    )


def _plain(gradient, param, momentum, velocity, rate, *, beta_1, beta_2, epsilon):
    momentum, velocity = moments_after(gradient, momentum, velocity, beta_1, beta_2)
    return [param - momentum * rate / (jnp.sqrt(velocity) + epsilon), momentum, velocity]


def _plain_of_product(x, slopes, *rest, **how):
    return _plain(jax.lax.dot_general(x, slopes, (((0,), (0,)), ((), ()))), *rest, **how)


def _attributes(*arrays, beta_1, beta_2, epsilon):
    return {
        "mean_share": np.float32(1 - beta_1),
        "square_share": np.float32(1 - beta_2),
        "epsilon": np.float32(epsilon),
    }


_ADAM = operation(
    "phasewise_adam",
    _plain,
    KERNELS,
    "phasewise_adam",
    _attributes,
    operand_output_aliases={1: 0, 2: 1, 3: 2},
)
_ADAM_OF_PRODUCT = operation(
    "phasewise_adam_of_product",
    _plain_of_product,
    KERNELS,
    "phasewise_adam_of_product",
    _attributes,
    operand_output_aliases={2: 0, 3: 1, 4: 2},
)


def _derivative_of(plain):
    def rule(arrays, tangents, **how):
        moving = [ad.instantiate_zeros(tangent) for tangent in tangents]
        return jax.jvp(lambda *arrays: plain(*arrays, **how), arrays, tuple(moving))

    return rule


ad.primitive_jvps[_ADAM] = _derivative_of(_plain)
ad.primitive_jvps[_ADAM_OF_PRODUCT] = _derivative_of(_plain_of_product)
