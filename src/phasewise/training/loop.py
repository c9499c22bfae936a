"""The loop: many steps in one dispatch, with a trip count that is not part of the program.

A chunk is as many steps as take about 0.15 s: long enough that dispatching costs nothing, short enough that the
progress is live and Ctrl-C answers.
"""

import time
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core import variable
from phasewise.core.compiler import compiled, hand_back_memory
from phasewise.core.followed import Followed
from phasewise.data.feed import capacity_of, fetch
from phasewise.training.joined import AS_IT_IS, Joined, can_be_joined

CHUNK_SECONDS = 0.15
# Where steps are slow, so many are still taken at once, as long as it lasts no longer.
FEW_STEPS, LONGEST_SECONDS = 8, 1.0


class Chunks:
    """How many steps the next dispatch of a program takes, learnt from how long the last ones took.

    Args:
        fixed: so many instead, or None.
        taken: how many of the first chunk were taken before.
    """

    def __init__(self, fixed=None, taken=0):
        self._fixed, self._taken = fixed, taken
        self._seconds_a_step = None

    def split(self, steps, most=None):
        """Yields (start, count) until `steps` are covered; the time between two yields is what a chunk took.

        Args:
            most: a function that says, before each chunk, how long it may be; or None.
        """
        start = 0
        while start < steps:
            count = self._next_of(steps - start)
            if most is not None and not self._fixed:
                count = min(count, most())
            begun = time.perf_counter()
            yield start, count
            self._learn(count, time.perf_counter() - begun)
            start += count

    def _next_of(self, left):
        count = self._next()
        if self._fixed or left <= count:
            return min(left, count)
        # A short rest is taken along: as a dispatch of its own it would find its memory anew for a few steps.
        takes_all = 2 * (left - count) <= count and left * (self._seconds_a_step or 0) <= LONGEST_SECONDS
        return left if takes_all else count

    def _next(self):
        if self._fixed:
            count, self._taken = self._fixed - self._taken, 0
            return count
        if self._seconds_a_step is None:
            return 4
        # A dispatch of its own costs a slow step more than it costs a fast one: its memory is found anew.
        few = min(FEW_STEPS, int(LONGEST_SECONDS / self._seconds_a_step))
        return max(1, few, int(CHUNK_SECONDS / self._seconds_a_step))

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
        step: `(state, batch, valid, numbers, words) -> (state, is good)`; the loop ends after a step that is not.
        logs: `state -> dict of scalars`.
        names: a function that gives the logs' names in the order in which they are shown.
        variables: those of the model.
        followed: a `Followed`: what else is read and stands in the state under this name.
        layout: the `Layout` of the state; None where it is as the model holds it.
        words: what the model's random draws mix into the seed.
        check: `state -> boolean scalar`, asked after each chunk; or None.
        in_place: whether the state that is handed in is given up: no second one is held.
        joins: whether a small state comes and goes as few arrays, which pays where a call makes one step.
    """

    def __init__(
        self, step, logs, names, variables, followed, *, layout=None, words=(), check=None, in_place=False, joins=False
    ):
        self.chunks = Chunks()
        self.layout, self.in_place, self.followed = layout, in_place, followed
        self._names, self._joins = names, joins
        self._states = self._results = AS_IT_IS
        self._constants = jax.device_put(([np.int32(i) for i in range(layout.longest if layout else 0)], list(words)))

        def run(state, arrays, constants, start, count):
            def is_due(carried):
                i, _, good = carried
                return (i < start + count) & good

            def body(carried):
                i, state, _ = carried
                valid = arrays["valid"][i] if "valid" in arrays else None
                state, good = step(self._states.apart(state), fetch(arrays, i), valid, *constants)
                return i + jnp.asarray(good, jnp.int32), self._states.together(state), jnp.asarray(good)

            reached, state, good = jax.lax.while_loop(is_due, body, (start, state, jnp.bool_(True)))
            state = self._states.apart(state)
            good = good if check is None else good & check(state)
            results = state, logs(state), reached, good.astype(jnp.int32)
            if self._states is not AS_IT_IS:
                self._results = Joined(results)
            return self._results.together(results)

        self._jitted = compiled(run, variables, in_place=in_place, donate_argnums=(0,) if in_place else ())
        self._run = None

    def compile(self, gather, feed):
        """Compile, where that is still to be done; no step runs. Returns whether it was.

        Args:
            gather: a function that gives the state, with what is followed by then.
        """
        if self._run is not None:
            return False
        arguments = feed.arrays, self._constants, np.int32(0), np.int32(0)
        self._run = self.followed.traced(lambda: self._lowered(gather(), *arguments)).compile()
        if self.in_place:
            hand_back_memory()
        return True

    def _lowered(self, state, *arguments):
        if self._joins and can_be_joined(state):
            self._states = Joined(state)
        return self._jitted.lower(self._states.pack(state), *arguments)

    def advance(self, state, feed, start, count):
        """`Reached` after `count` steps from number `start` of the feed."""
        return self.finished(*self.dispatched(state, feed, start, count))

    def dispatched(self, state, feed, start, count):
        """What the program returns, perhaps still to be computed, and the number of the first step."""
        state = self._states.pack(state)
        return self._run(state, feed.arrays, self._constants, np.int32(start), np.int32(count)), start

    def finished(self, results, start):
        """`Reached`, once it is computed."""
        state, logs, reached, good = self._results.unpack(results)
        return Reached(state, self._on_host(logs), start, int(reached) - start, bool(good))

    def _on_host(self, logs):
        logs = {name: np.asarray(value) for name, value in logs.items()}
        names = self._names()
        ordered = [*(n for n in names if n in logs), *(n for n in logs if n not in names)]
        return {n: float(logs[n]) if logs[n].ndim == 0 else logs[n] for n in ordered}


def _first_rows(state, arrays):
    """The number of the first row of each batch, counted on from the state's; None where nobody asks."""
    if "row" not in state:
        return None
    if "valid" not in arrays:  # all batches are whole
        batches = jax.tree.leaves(arrays["batches"])[0]
        return state["row"] + batches.shape[1] * jnp.arange(len(batches), dtype=jnp.int32)
    return state["row"] + jax.lax.cumsum(arrays["valid"]) - arrays["valid"]


def _apart(result, state):
    """(outputs, what is remembered) of what a step gave, for a state with "memory" in it or without."""
    return (result[0], {"memory": result[1]}) if "memory" in state else (result, {})


_FIRST, _ONE = np.int32(0), np.int32(1)


def _nothing(*arguments):
    """What a caller does who does not care."""


class MapProgram:
    """A compiled loop of steps whose outputs are stacked: prediction.

    Args:
        step: `(state, batch, valid, numbers) -> outputs`. A "row" in the state is the number of the batch's first row. With
            "memory" in it, it gives `(outputs, memory)`: what the next step finds there.
        variables: those of the model.
        numbers: the scalars 0, 1, 2 … as arguments of the program, as far as the step needs them.
    """

    def __init__(self, step, variables, numbers=()):
        self.chunks = Chunks()
        self._numbers, self._followed = numbers, Followed()
        step = self._following(step)

        def run(state, arrays, numbers, start, count, stacked):
            first_rows = _first_rows(state, arrays)

            def fetched(i):
                return fetch(arrays, jnp.minimum(i, capacity_of(arrays) - 1))

            # The next batch is fetched before it is due. So a step reads a buffer, whatever the fetch and the size of the
            # source, and its arithmetic is compiled the same way: a row has the same bits in data of any size.
            def body(i, carried):
                batch, memory, stacked = carried
                now = state if first_rows is None else {**state, "row": first_rows[i]}
                valid = arrays["valid"][i] if "valid" in arrays else None
                outputs, memory = _apart(step({**now, **memory}, batch, valid, numbers), memory)
                outputs = jax.tree.leaves(outputs)
                stacked = [jax.lax.dynamic_update_index_in_dim(s, o, i, 0) for s, o in zip(stacked, outputs)]
                return fetched(i + 1), memory, stacked

            memory = {"memory": state["memory"]} if "memory" in state else {}
            _, memory, stacked = jax.lax.fori_loop(start, start + count, body, (fetched(start), memory, stacked))
            return stacked, [leaf[(0, slice(1))[: leaf.ndim]] for leaf in stacked], memory

        self._step = step
        self._jitted = compiled(run, variables, donate_argnums=5)
        self._run = self._tree = self._specs = None

    @property
    def is_compiled(self):
        """Whether there is a program yet: the first run makes it."""
        return self._run is not None

    def run(self, state, feed, on_compiled=_nothing, on_chunk=_nothing):
        """The outputs of a feed, each leaf of shape (steps, rows, ...). "memory" in the state is then that after the last step.

        `on_compiled()` is called before the first step, `on_chunk(steps)` after each chunk; if it returns True, no more follow.
        """
        if self._run is None:
            self._compile(state, feed)
        stacked = self._blank()
        on_compiled()
        numbers = self._arguments()
        for start, count in self.chunks.split(feed.steps):
            stacked, _, memory = self._run(state, feed.arrays, numbers, np.int32(start), np.int32(count), stacked)
            jax.block_until_ready(stacked)
            state.update(memory)
            on_chunk(count)
        return self._tree.unflatten([np.asarray(leaf)[: feed.steps] for leaf in stacked])

    def first_row(self, state, feed):
        """The outputs of the first row of a feed of one step, each leaf of shape (1, ...) and still on the device."""
        return self.one_batch(state, feed)[1]

    def one_batch(self, state, feed):
        """For a feed of one step: (the outputs as `run` gives them, those of the first row), still on the device."""
        if self._run is None:
            self._compile(state, feed)
        stacked, row, _ = self._run(state, feed.arrays, self._arguments(), _FIRST, _ONE, self._blank())
        return self._tree.unflatten(stacked), self._tree.unflatten(row)

    def _blank(self):
        return [np.zeros(spec.shape, spec.dtype) for spec in self._specs]

    def _compile(self, state, feed):
        def shaped():
            return jax.eval_shape(
                lambda s, a, n: _apart(self._step(s, fetch(a, 0), np.int32(0), n), s)[0],
                state,
                feed.arrays,
                self._arguments(),
            )

        leaves, self._tree = jax.tree.flatten(self._followed.traced(shaped))
        capacity = capacity_of(feed.arrays)
        self._specs = [jax.ShapeDtypeStruct((capacity, *leaf.shape), leaf.dtype) for leaf in leaves]
        arguments = state, feed.arrays, self._arguments(), np.int32(0), np.int32(0), self._specs
        self._run = self._jitted.lower(*arguments).compile()

    def _arguments(self):
        return self._numbers, self._followed.values()

    def _following(self, step):
        """`step`, in which the variables that it reads beside those of its state are arguments of the program."""

        def following(state, batch, valid, arguments):
            numbers, values = arguments
            with variable.scope(self._followed.variables, values):
                return step(state, batch, valid, numbers)

        return following
