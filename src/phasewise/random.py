"""Random draws as arrays (Keras's `random`), by the rule that every draw here follows: a function of its seed, and in a compiled step of
the step and the place in the model.

The `seed` of each is an int, for the same numbers at every call; a `SeedGenerator`, for the next of its sequence; or None, for numbers
that `phasewise.set_random_seed` decides. Of a generator and of None a compiled step draws other numbers each time it runs.
"""

from collections.abc import Sequence
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core import defaults
from phasewise.core import random as sequences
from phasewise.core.dtypes import is_float_dtype, is_int_dtype, standardize_dtype
from phasewise.core.operators import resolved
from phasewise.core.random import SeedGenerator
from phasewise.core.random import fresh_seed as fresh_seed
from phasewise.core.random import set_random_seed as set_random_seed
from phasewise.core.types import Array, ArrayLike, DTypeLike
from phasewise.kernels import random_bits as bits_of

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]

Seed: TypeAlias = int | SeedGenerator | None
Sizes: TypeAlias = Sequence[int]

_WIDEST = 2.0  # standard deviations at which a truncated normal ends


def normal(
    shape: Sizes, mean: float = 0.0, stddev: float = 1.0, dtype: DTypeLike | None = None, seed: Seed = None
) -> Array:
    """Draws from N(mean, stddev²), of `floatx()` unless told otherwise."""
    drawn = bits_of.standard_normal(_bits("normal", shape, seed))
    return (drawn * stddev + mean).astype(_real("normal", dtype))


def truncated_normal(
    shape: Sizes, mean: float = 0.0, stddev: float = 1.0, dtype: DTypeLike | None = None, seed: Seed = None
) -> Array:
    """Draws from N(mean, stddev²) that lie within two standard deviations of the mean."""
    inside = jax.lax.erf(np.float32(_WIDEST / np.sqrt(2)))  # the part of the distribution that lies there
    centred = (2 * _fractions(_bits("truncated_normal", shape, seed)) - 1) * inside
    drawn = jnp.clip(np.float32(np.sqrt(2)) * jax.lax.erf_inv(centred), -_WIDEST, _WIDEST)
    return (drawn * stddev + mean).astype(_real("truncated_normal", dtype))


def uniform(
    shape: Sizes, minval: float = 0.0, maxval: float = 1.0, dtype: DTypeLike | None = None, seed: Seed = None
) -> Array:
    """Draws from [minval, maxval), all numbers alike, of `floatx()` unless told otherwise."""
    dtype = jnp.dtype(_real("uniform", dtype))
    drawn = (_fractions(_bits("uniform", shape, seed)) * (maxval - minval) + minval).astype(dtype)
    # Rounded to the dtype, the largest may be `maxval` itself.
    last = jnp.nextafter(jnp.asarray(maxval, dtype), jnp.asarray(minval, dtype))
    return jnp.clip(drawn, jnp.asarray(minval, dtype), last)


def randint(shape: Sizes, minval: int, maxval: int, dtype: DTypeLike = "int32", seed: Seed = None) -> Array:
    """Whole numbers from `minval` to below `maxval`, all alike.

    Raises:
        ValueError: `dtype` is none of whole numbers.
    """
    if not is_int_dtype(dtype):
        raise ValueError(f"randint's dtype is one of whole numbers; got {dtype!r}. uniform draws real ones.")
    return jax.random.randint(key_of("randint", seed), tuple(shape), minval, maxval, standardize_dtype(dtype))


def categorical(logits: ArrayLike, num_samples: int, dtype: DTypeLike = "int32", seed: Seed = None) -> Array:
    """Numbers of classes, each as often as softmax(logits) says.

    Args:
        logits: (batch, classes).
        num_samples: draws for each row.

    Returns:
        (batch, num_samples).

    Raises:
        ValueError: `logits` has not two axes.
    """
    logits = jnp.asarray(resolved(logits))
    if logits.ndim != 2:
        raise ValueError(f"categorical takes logits of shape (batch, classes); got {logits.shape}.")
    shape = (num_samples, logits.shape[0])
    return jax.random.categorical(key_of("categorical", seed), logits, shape=shape).T.astype(standardize_dtype(dtype))


def gamma(shape: Sizes, alpha: ArrayLike, dtype: DTypeLike | None = None, seed: Seed = None) -> Array:
    """Draws from Gamma(alpha, 1).

    Args:
        alpha: above 0, a number or an array that broadcasts to `shape`.
    """
    return jax.random.gamma(key_of("gamma", seed), resolved(alpha), tuple(shape), _wide("gamma", dtype)).astype(
        _real("gamma", dtype)
    )


def beta(shape: Sizes, alpha: ArrayLike, beta: ArrayLike, dtype: DTypeLike | None = None, seed: Seed = None) -> Array:
    """Draws from Beta(alpha, beta), within [0, 1].

    Args:
        alpha, beta: above 0, numbers or arrays that broadcast to `shape`.
    """
    return jax.random.beta(
        key_of("beta", seed), resolved(alpha), resolved(beta), tuple(shape), _wide("beta", dtype)
    ).astype(_real("beta", dtype))


def binomial(
    shape: Sizes, counts: ArrayLike, probabilities: ArrayLike, dtype: DTypeLike | None = None, seed: Seed = None
) -> Array:
    """How many of `counts` trials succeed, each with a probability of `probabilities`; whole numbers, as `floatx()`.

    Args:
        counts, probabilities: numbers or arrays that broadcast to `shape`.
    """
    counts, probabilities = (jnp.asarray(resolved(each), "float32") for each in (counts, probabilities))
    return jax.random.binomial(key_of("binomial", seed), counts, probabilities, tuple(shape)).astype(
        _real("binomial", dtype)
    )


def dropout(inputs: ArrayLike, rate: float, noise_shape: Sizes | None = None, seed: Seed = None) -> Array:
    """`inputs` with a part `rate` of the entries set to 0 and the others divided by 1 - rate.

    Args:
        rate: in [0, 1]; 1 leaves zeros.
        noise_shape: of what is drawn; broadcasts against `inputs`, None for its own size.

    Raises:
        ValueError: `rate` is out of range.
    """
    if isinstance(rate, bool) or not 0 <= rate <= 1:
        raise ValueError(f"dropout's rate is a number in [0, 1]; got {rate!r}.")
    inputs = jnp.asarray(resolved(inputs))
    if rate == 1:
        return jnp.zeros_like(inputs)
    own = inputs.shape
    shape = own if noise_shape is None else [size if n is None else n for n, size in zip(noise_shape, own)]
    kept = _fractions(_bits("dropout", shape, seed)) >= rate
    return jnp.where(kept, inputs / (1 - rate), 0).astype(inputs.dtype)


def shuffle(x: ArrayLike, axis: int = 0, seed: Seed = None) -> Array:
    """The parts of `x` along an axis in a random order."""
    return jax.random.permutation(key_of("shuffle", seed), jnp.asarray(resolved(x)), axis)


def _real(name, dtype):
    """The dtype of the result.

    Raises:
        ValueError: it is none of real numbers.
    """
    dtype = defaults.floatx() if dtype is None else standardize_dtype(dtype)
    if not is_float_dtype(dtype):
        raise ValueError(f"{name}'s dtype is one of real numbers; got {dtype!r}.")
    return dtype


def _wide(name, dtype):
    """The dtype that draws are computed in."""
    return jnp.promote_types(_real(name, dtype), jnp.float32)


def _words(name, seed):
    """What a draw is a function of, as two uint32 scalars; of an int, always the same."""
    if seed is None or isinstance(seed, SeedGenerator):
        return sequences.words(seed)
    return np.uint32(sequences.hash32("draw of one seed", sequences.checked_seed(name, seed))), np.uint32(0)


def _bits(name, shape, seed):
    shape = tuple(shape)
    first = None if isinstance(seed, int | np.integer) else sequences.entries_before(shape)
    return bits_of.random_bits(*_words(name, seed), shape, first)


def key_of(name: str, seed: Seed) -> Array:
    """The typed JAX key of a draw by the function `name`."""
    if seed is None or isinstance(seed, SeedGenerator):
        return sequences.key(seed)
    return jax.random.key(int(_words(name, seed)[0]), impl="threefry2x32")


def _fractions(bits):
    """Numbers in [0, 1), multiples of 2**-24."""
    return (bits >> 8).astype(jnp.float32) * np.float32(2**-24)
