"""Keys: every random draw is a function of (seed, step, layer path).

Inside a compiled step the seed and the step counter come from the state, and each layer mixes in a hash of its own
path: no key is threaded through the model, and a run that is resumed or cut into other chunks draws the same numbers.
Outside of a step each draw takes the next number from a process-wide counter.
"""

import contextlib
import hashlib
import random as python_random
from contextvars import ContextVar

import jax
import jax.numpy as jnp
import numpy as np

_scope = ContextVar("phasewise_random_scope", default=None)
_process = {"seed": None, "draws": 0}


def set_random_seed(seed):
    """Seed Python's, NumPy's and phasewise's generators, so that a whole script repeats (Keras:
    `keras.utils.set_random_seed`).

    Args:
        seed: int in [0, 2**32).

    Raises:
        ValueError: `seed` is not such an integer.
    """
    if not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise ValueError(f"A seed is an integer in [0, 2**32); got {seed!r}.")
    python_random.seed(int(seed))
    np.random.seed(int(seed))
    _process.update(seed=int(seed), draws=0)


def _global_seed():
    if _process["seed"] is None:
        _process["seed"] = python_random.randint(1, 10**9)
    return _process["seed"]


def fresh_seed():
    """A new 32-bit seed: the next of the sequence that `set_random_seed` fixes."""
    _process["draws"] += 1
    return hash32("draw", _global_seed(), _process["draws"])


def hash32(*parts):
    """A 32-bit hash of the parts, the same in every process."""
    digest = hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little")


def numpy_generator(seed=None):
    """A NumPy generator for work on the host (initial weights, shuffles); None takes a fresh seed."""
    return np.random.default_rng(fresh_seed() if seed is None else _as_seed(seed))


def _as_seed(seed):
    return seed.next_seed() if isinstance(seed, SeedGenerator) else int(seed)


class SeedGenerator:
    """A sequence of seeds that starts at `seed` (Keras's `random.SeedGenerator`)."""

    def __init__(self, seed=None):
        self.seed = fresh_seed() if seed is None else int(seed)
        self._drawn = 0

    def next_seed(self):
        """The next 32-bit seed of the sequence."""
        self._drawn += 1
        return hash32("generator", self.seed, self._drawn)


class _Draws:
    def __init__(self, seed, step):
        self.seed, self.step, self.counts = seed, step, {}


@contextlib.contextmanager
def scope(seed, step):
    """Keys inside the block are functions of `seed` (uint32), `step` (int32) and the path that asks."""
    token = _scope.set(_Draws(seed, step))
    try:
        yield
    finally:
        _scope.reset(token)


def words(path, seed=None):
    """What the next draw by the layer at `path` is a function of: (seed mixed with the path, step), two uint32 scalars.

    Args:
        path: str; two draws by one path in one step differ.
        seed: the layer's own seed, or None to use the run's.
    """
    draws = _scope.get()
    if draws is None:
        own = fresh_seed()
        return np.uint32(own if seed is None else hash32(seed, own)), np.uint32(0)
    count = draws.counts[path] = draws.counts.get(path, -1) + 1
    mixed = np.uint32(hash32(path, count, seed))
    word = mixed if seed is not None else jnp.asarray(draws.seed, jnp.uint32) ^ mixed
    return word, jnp.asarray(draws.step).astype(jnp.uint32)


def key(path, seed=None):
    """The typed JAX key of the next draw by the layer at `path`; no key arithmetic runs on the device."""
    pair = [jnp.asarray(word, jnp.uint32) for word in words(path, seed)]
    return jax.random.wrap_key_data(jnp.stack(pair), impl="threefry2x32")
