"""Keys: every random draw is a function of (seed, step, layer path).

Inside a compiled step the seed and the step counter come from the state, and each layer mixes in a hash of its own
path: no key is threaded through the model, and a run that is resumed or cut into other chunks draws the same numbers.
Outside of a step each draw takes the next number from a process-wide counter.
"""

import contextlib
import hashlib
import random as python_random
from collections.abc import Iterator, Sequence
from contextvars import ContextVar

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core.types import Array, ArrayLike

_scope = ContextVar("phasewise_random_scope", default=None)
_process = {"seed": None, "draws": 0}


def set_random_seed(seed: int) -> None:
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


def fresh_seed() -> int:
    """A new 32-bit seed: the next of the sequence that `set_random_seed` fixes."""
    _process["draws"] += 1
    return hash32("draw", _global_seed(), _process["draws"])


def hash32(*parts: object) -> int:
    """A 32-bit hash of the parts, the same in every process."""
    digest = hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little")


class SeedGenerator:
    """A sequence of seeds that starts at `seed` (Keras's `random.SeedGenerator`)."""

    def __init__(self, seed: int | None = None):
        self.seed = fresh_seed() if seed is None else int(seed)
        self._drawn = 0

    def next_seed(self) -> int:
        """The next 32-bit seed of the sequence."""
        self._drawn += 1
        return hash32("generator", self.seed, self._drawn)


def numpy_generator(seed: int | SeedGenerator | None = None) -> np.random.Generator:
    """A NumPy generator for work on the host (initial weights, shuffles); None takes a fresh seed."""
    return np.random.default_rng(fresh_seed() if seed is None else _as_seed(seed))


def _as_seed(seed):
    return seed.next_seed() if isinstance(seed, SeedGenerator) else int(seed)


class Draws:
    """The random draws of one call: `drawn` is what each mixed into the seed, in order."""

    def __init__(self, seed: ArrayLike, step: ArrayLike, expected: Sequence[np.uint32], given: Sequence[Array]):
        self.seed, self.step = seed, step
        self.drawn = []
        self._counts, self._expected, self._given = {}, expected, given

    def mixed(self, path: str, seed: int | None) -> Array | np.uint32:
        """What the next draw by `path` mixes into the seed: a number, or the argument of the program that stands for it."""
        count = self._counts[path] = self._counts.get(path, -1) + 1
        number, place = np.uint32(hash32(path, count, seed)), len(self.drawn)
        self.drawn.append(number)
        foreseen = place < len(self._expected) and self._expected[place] == number
        return self._given[place] if foreseen else number


@contextlib.contextmanager
def scope(
    seed: ArrayLike, step: ArrayLike, expected: Sequence[np.uint32] = (), given: Sequence[Array] = ()
) -> Iterator[Draws]:
    """Keys inside the block are functions of `seed` (uint32), `step` (int32) and the path that asks.

    Args:
        seed, step: scalars, may be traced.
        expected: what the draws will mix into the seed, in order, where that is known from an earlier trace.
        given: the same numbers as arguments of the program. So equal layers compile to the same code, and once.
    """
    draws = Draws(seed, step, expected, given)
    token = _scope.set(draws)
    try:
        yield draws
    finally:
        _scope.reset(token)


def words(path: str, seed: int | None = None) -> tuple[Array | np.uint32, Array | np.uint32]:
    """What the next draw by the layer at `path` is a function of: (seed mixed with the path, step), two uint32 scalars.

    Args:
        path: str; two draws by one path in one step differ.
        seed: the layer's own seed, or None to use the run's.
    """
    draws = _scope.get()
    if draws is None:
        own = fresh_seed()
        return np.uint32(own if seed is None else hash32(seed, own)), np.uint32(0)
    mixed = draws.mixed(path, seed)
    word = mixed if seed is not None else jnp.asarray(draws.seed, jnp.uint32) ^ mixed
    return word, jnp.asarray(draws.step).astype(jnp.uint32)


def key(path: str, seed: int | None = None) -> Array:
    """The typed JAX key of the next draw by the layer at `path`; no key arithmetic runs on the device."""
    pair = [jnp.asarray(word, jnp.uint32) for word in words(path, seed)]
    return jax.random.wrap_key_data(jnp.stack(pair), impl="threefry2x32")
