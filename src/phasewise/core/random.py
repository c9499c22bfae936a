"""Keys: every random draw is a function of (seed, step or number of the call, place in the model), and of nothing else.

Inside a compiled step the seed and the step counter come from the state, and each draw mixes in a hash of its place: the number
of the layer in the tree below the model. No key is threaded through the model, names have no part in it, and a run that is resumed
or cut into other chunks draws the same numbers. Outside of a step each draw takes the next number from a process-wide counter.
"""

import contextlib
import random as python_random
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core.draws import Draws, hash32
from phasewise.core.keywords import Told
from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, Config

_scope = ContextVar("phasewise_random_scope", default=None)
_source = ContextVar("phasewise_random_source", default=None)
_process = {"seed": None, "draws": 0, "models": 0, "era": 0}


def set_random_seed(seed: int) -> None:
    """Seed Python's, NumPy's and phasewise's generators, so that a whole script repeats (Keras:
    `keras.utils.set_random_seed`). Models that were built before begin their sequences of draws anew as well.

    Args:
        seed: int in [0, 2**32).

    Raises:
        ValueError: `seed` is not such an integer.
    """
    if not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise ValueError(f"A seed is an integer in [0, 2**32); got {seed!r}.")
    python_random.seed(int(seed))
    np.random.seed(int(seed))
    _process.update(seed=int(seed), draws=0, models=0, era=_process["era"] + 1)


def _global_seed():
    if _process["seed"] is None:
        _process["seed"] = python_random.randint(1, 10**9)
    return _process["seed"]


def fresh_seed() -> int:
    """A new 32-bit seed: the next of the sequence that `set_random_seed` fixes, or of the one that is drawn from."""
    source = _source.get()
    if source is not None:
        return source.next_on_host()
    _process["draws"] += 1
    return hash32("draw", _global_seed(), _process["draws"])


@contextlib.contextmanager
def drawing_from(seed: int) -> Iterator[None]:
    """Fresh seeds inside the block are those of a sequence that begins at `seed`: what others draw has no part in it."""
    token = _source.set(SeedGenerator(seed))
    try:
        yield
    finally:
        _source.reset(token)


@register("seed")
class SeedGenerator(Told):
    """A sequence of seeds (Keras's `random.SeedGenerator`).

    On the host each call gives the next of the sequence that begins at `seed`. In a layer's `call` (and in a loss or metric of your
    own) the program that is compiled asks anew at every step: what it gets is a function of `seed`, the step and the place in the
    model, as the draws of every layer are. Without a seed it is there a function of the run's.

    Args:
        seed: int, or None for a fresh one.
        name: accepted for Keras's sake.

    Raises:
        ValueError: `seed` is no integer.
    """

    def __init__(self, seed: int | None = None, name: str | None = None):
        self._given = None if seed is None else checked_seed("A SeedGenerator", seed)
        self.seed = fresh_seed() if seed is None else self._given
        self.name = name
        self._drawn = 0

    def next_seed(self) -> int | Array:
        """The next 32-bit seed of the sequence: an int, or in a compiled step a uint32 scalar."""
        if _scope.get() is None:
            return self.next_on_host()
        word, step = _words_of_batch(self)
        step = (step + np.uint32(0x9E3779B9)) * np.uint32(0x85EBCA6B)
        return (word ^ step ^ (step >> 15)) * np.uint32(0xC2B2AE35)

    def next(self, ordered: bool = True) -> Array:
        """The next seed as a uint32 array of shape (2,), which `jax.random` takes for a key.

        Args:
            ordered: accepted for Keras's sake.
        """
        if _scope.get() is None:
            return jnp.asarray([self.next_on_host(), self._drawn], jnp.uint32)
        return jnp.stack(_words_of_batch(self))

    def next_on_host(self) -> int:
        """The next seed as an int, also while something is traced: for initial weights and orders."""
        self._drawn += 1
        return hash32("generator", self.seed, self._drawn)

    def get_config(self) -> Config:
        """The seed."""
        return {"seed": self.seed}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A generator that begins where the one began that `get_config` described."""
        return cls(**config)


def checked_seed(owner: str, seed: Any) -> int:
    """`seed` as an int.

    Raises:
        ValueError: it is no integer.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise ValueError(f"{owner}'s seed is an integer or None; got {seed!r}.")
    return int(seed)


def numpy_generator(seed: int | SeedGenerator | None = None) -> np.random.Generator:
    """A NumPy generator for work on the host (initial weights, shuffles); None takes a fresh seed."""
    if seed is None:
        return np.random.default_rng(fresh_seed())
    return np.random.default_rng(seed.next_on_host() if isinstance(seed, SeedGenerator) else int(seed))


class ModelSeeds:
    """What a model draws from: one seed for its training, and another with a number for each further call that draws.

    The seed is taken when the model is made, so that what is built or run between then and its first step has no part in it, and
    once more after each `set_random_seed`.
    """

    def __init__(self):
        self._take()

    def _take(self):
        _process["models"] += 1
        self._era, self._on_host, self._calls = _process["era"], 0, 0
        source = _source.get()
        self._seed = hash32("model", _global_seed(), _process["models"]) if source is None else source.next_on_host()
        self._seed_of_calls = np.uint32(hash32("calls", self._seed))

    @property
    def seed(self) -> int:
        """That of training."""
        if self._era != _process["era"]:
            self._take()
        return self._seed

    def next_on_host(self) -> int:
        """The seed of the next thing that is drawn on the host: the order of the data in a fit, weights that are made late."""
        seed, self._on_host = self.seed, self._on_host + 1
        return hash32("host", seed, self._on_host)

    def next_call(self) -> tuple[np.uint32, np.int32]:
        """The seed and the number of the next call in inference that draws."""
        if self._era != _process["era"]:
            self._take()
        self._calls += 1
        return self._seed_of_calls, np.int32(self._calls)


@contextlib.contextmanager
def scope(
    seed: ArrayLike,
    step: ArrayLike,
    expected: Sequence[np.uint32] = (),
    given: Sequence[Array] = (),
    *,
    first_row: ArrayLike | None = None,
    rows: int | None = None,
) -> Iterator[Draws]:
    """Keys inside the block are functions of `seed` (uint32), `step` (int32) and the place in the model that asks.

    Args:
        seed, step: scalars, may be traced.
        expected: what the draws will mix into the seed, in order, where that is known from an earlier trace.
        given: the same numbers as arguments of the program. So equal layers compile to the same code, and once.
        first_row: where data are computed batch by batch, the number of the first of the batch's `rows` rows: a row's draws
            then depend on its place in the data. None: all there is is one batch.
    """
    draws = Draws(seed, step, expected, given, first_row, rows)
    token = _scope.set(draws)
    try:
        yield draws
    finally:
        _scope.reset(token)


@contextlib.contextmanager
def at_time(number: ArrayLike) -> Iterator[None]:
    """The block is step `number` (uint32, may be traced) of a loop over time: draws differ from step to step, in a loop that is
    traced once as in one that is written out."""
    with _times(lambda times: (*times, number)):
        yield


def for_all_times() -> contextlib.AbstractContextManager[None]:
    """Draws inside the block are the same at every step of the innermost loop over time."""
    return _times(lambda times: times[:-1])


@contextlib.contextmanager
def _times(changed):
    draws = _scope.get()
    if draws is None:
        yield
        return
    kept, draws.times = draws.times, changed(draws.times)
    try:
        yield
    finally:
        draws.times = kept


@contextlib.contextmanager
def of_this_call(draws: bool = True) -> Iterator[None]:
    """Draws inside the block are functions of a step also where none is being traced: of a fresh seed.

    Args:
        draws: whether something will be drawn; if not, nothing happens.
    """
    if not draws or _scope.get() is not None:
        yield
        return
    with scope(np.uint32(fresh_seed()), np.int32(fresh_seed() >> 1)):
        yield


def in_scope() -> bool:
    """Whether draws are functions of a step."""
    return _scope.get() is not None


def words(seed: int | SeedGenerator | None = None) -> tuple[Array | np.uint32, Array | np.uint32]:
    """What the next draw by the layer that is being called is a function of: (seed mixed with its place, step), two uint32 scalars.

    Args:
        seed: the layer's own seed, or None to use the run's. Two draws by one layer in one step differ.
    """
    draws = _scope.get()
    if draws is None:
        return _words_on_host(seed)
    seed = seed._given if isinstance(seed, SeedGenerator) else seed
    mixed = draws.mixed(seed)
    word = mixed if seed is not None else jnp.asarray(draws.seed, jnp.uint32) ^ mixed
    step = jnp.asarray(draws.step).astype(jnp.uint32)
    for number in draws.times:
        step = (step ^ (number * np.uint32(0x85EBCA6B))) * np.uint32(0x9E3779B1)
    return word, step


def _words_on_host(seed):
    if isinstance(seed, SeedGenerator):
        return np.uint32(seed.next_on_host()), np.uint32(0)
    own = fresh_seed()
    return np.uint32(own if seed is None else hash32(seed, own)), np.uint32(0)


def entries_before(shape: tuple[int, ...]) -> Array | None:
    """Where the next draw of an array of this shape begins in those of all rows: see `Draws.entries_before`."""
    draws = _scope.get()
    return None if draws is None else draws.entries_before(shape)


def key(seed: int | SeedGenerator | None = None) -> Array:
    """The typed JAX key of the next draw by the layer that is being called; no key arithmetic runs on the device."""
    return jax.random.wrap_key_data(jnp.stack(_words_of_batch(seed)), impl="threefry2x32")


def _words_of_batch(seed):
    """As `words`, as arrays that differ from batch to batch where data are computed so."""
    word, step = (jnp.asarray(word, jnp.uint32) for word in words(seed))
    draws = _scope.get()
    if draws is not None and draws.first_row is not None:
        word = word ^ (jnp.asarray(draws.first_row).astype(jnp.uint32) * np.uint32(0x9E3779B9))
    return word, step
