"""The loop: many steps in one dispatch, with a trip count that is not part of the program.

A chunk is as many steps as take about 0.15 s: long enough that dispatching costs nothing, short enough that the
progress is live and Ctrl-C answers.
"""

import time
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core.compiler import compiled

CHUNK_SECONDS = 0.15


class Chunks:
    """How many steps the next dispatch of a program takes, learnt from how long the last ones took."""

    def __init__(self, fixed=None):
        self._fixed = fixed
        self._seconds_a_step = None

    def split(self, steps):
        """Yields (start, count) until `steps` are covered; the time between two yields is what a chunk took."""
        start = 0
        while start < steps:
            count = min(self._next(), steps - start)
            begun = time.perf_counter()
            yield start, count
            self._learn(count, time.perf_counter() - begun)
            start += count

    def _next(self):
        if self._fixed:
            return self._fixed
        if self._seconds_a_step is None:
            return 4
        return max(1, int(CHUNK_SECONDS / self._seconds_a_step))

    def _learn(self, count, seconds):
        self._seconds_a_step = max(seconds / count, 1e-7)


class Reached(NamedTuple):
    """Where a chunk led to.

    Attributes:
        state: after its last step.
        logs: dict of numbers.
        start, steps: number of its first step in the feed, and how many they were.
        is_sound: what the program's check says of the state.
    """

    state: dict
    logs: dict
    start: int
    steps: int
    is_sound: bool


class UpdateProgram:
    """A compiled loop of steps that change the state: training and testing.

    Args:
        step: `(state, batch)` or `(state, batch, valid) -> state`.
        fetch: `(arrays, i) -> batch`, pure.
        logs: `metrics -> dict of scalars`.
        names: a function that gives the logs' names in the order in which they are shown.
        weights: number of weights of the model.
        check: `state -> boolean scalar`, asked after each chunk; or None.
    """

    def __init__(self, step, fetch, logs, names, weights, check=None):
        self.chunks = Chunks()
        self._names = names

        def run(state, arrays, start, count):
            def body(i, state):
                valid = (arrays["valid"][i],) if "valid" in arrays else ()
                return step(state, fetch(arrays, i), *valid)

            state = jax.lax.fori_loop(start, start + count, body, state)
            return state, logs(state["metrics"]), True if check is None else check(state)

        self._run = compiled(run, weights=weights)
        self._compiled = set()

    def compile(self, state, feed):
        """Compile for the shapes of this feed, where that is still to be done; no step runs."""
        shapes = _shapes(feed)
        if shapes not in self._compiled:
            self._run(state, feed.arrays, np.int32(0), np.int32(0))
            self._compiled.add(shapes)

    def run(self, state, feed, chunks=None):
        """Yields `Reached` after each chunk of the feed.

        The consumer may change the model between two yields and send the new state back.
        """
        for start, count in (chunks or self.chunks).split(feed.steps):
            reached = self.advance(state, feed, start, count)
            state = (yield reached) or reached.state

    def advance(self, state, feed, start, count):
        """`Reached` after `count` steps from number `start` of the feed."""
        state, logs, is_sound = self._run(state, feed.arrays, np.int32(start), np.int32(count))
        return Reached(state, self._on_host(logs), start, count, bool(is_sound))

    def _on_host(self, logs):
        logs = {name: np.asarray(value) for name, value in logs.items()}
        ordered = [*(n for n in self._names() if n in logs), *(n for n in logs if n not in self._names())]
        return {n: float(logs[n]) if logs[n].ndim == 0 else logs[n] for n in ordered}


class MapProgram:
    """A compiled loop of steps whose outputs are stacked: prediction."""

    def __init__(self, step, fetch, weights):
        self.chunks = Chunks()

        def run(state, arrays, start, count, stacked):
            def fetched(i):
                return fetch(arrays, jnp.minimum(i, capacity_of(arrays) - 1))

            # The next batch is fetched before it is due. So a step reads a buffer, whatever the fetch and the size of the
            # source, and its arithmetic is compiled the same way: a row has the same bits in data of any size.
            def body(i, carried):
                batch, stacked = carried
                valid = (arrays["valid"][i],) if "valid" in arrays else ()
                outputs = step(state, batch, *valid)
                stacked = jax.tree.map(lambda s, o: jax.lax.dynamic_update_index_in_dim(s, o, i, 0), stacked, outputs)
                return fetched(i + 1), stacked

            return jax.lax.fori_loop(start, start + count, body, (fetched(start), stacked))[1]

        self._step, self._fetch = step, fetch
        self._run = compiled(run, weights=weights, donate_argnums=4)
        self._outputs = {}

    def run(self, state, feed, on_compiled, on_chunk):
        """The outputs of a feed, each leaf of shape (steps, rows, ...).

        `on_compiled()` is called before the first step, `on_chunk(steps)` after each chunk.
        """
        stacked = self._empty_outputs(state, feed)
        on_compiled()
        for start, count in self.chunks.split(feed.steps):
            stacked = jax.block_until_ready(self._run(state, feed.arrays, np.int32(start), np.int32(count), stacked))
            on_chunk(count)
        return jax.tree.map(lambda s: np.asarray(s)[: feed.steps], stacked)

    def _empty_outputs(self, state, feed):
        """Arrays that the outputs of a feed are written to. The program is compiled at the first feed of a shape."""
        shapes = _shapes(feed)
        known = shapes in self._outputs
        if not known:
            valid = (np.int32(0),) if "valid" in feed.arrays else ()
            self._outputs[shapes] = jax.eval_shape(
                lambda s, a: self._step(s, self._fetch(a, 0), *valid), state, feed.arrays
            )
        capacity = capacity_of(feed.arrays)
        stacked = jax.tree.map(lambda s: jnp.zeros((capacity, *s.shape), s.dtype), self._outputs[shapes])
        return stacked if known else self._run(state, feed.arrays, np.int32(0), np.int32(0), stacked)


def _shapes(feed):
    return tuple(np.shape(leaf) for leaf in jax.tree.leaves(feed.arrays))


def capacity_of(arrays):
    """How many batches the arrays of a feed have room for."""
    index = arrays.get("rows", arrays.get("valid"))
    return index.shape[0] if index is not None else jax.tree.leaves(arrays["batches"])[0].shape[0]
