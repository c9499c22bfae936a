"""model(x): a call on arrays outside of any task, answered by few compiled programs for any number of rows."""

import jax
import numpy as np

from phasewise.core import random, variable
from phasewise.core.compiler import compiled
from phasewise.core.followed import Followed
from phasewise.core.host_memory import unaliased
from phasewise.core.traced import any_traced
from phasewise.data import feed
from phasewise.data.tiles import tile_feeds
from phasewise.layer.added_losses import collected_losses, forget_losses
from phasewise.layer.layer import Layer
from phasewise.layers.embedding.ids import check_ids_of
from phasewise.losses.given_values import row
from phasewise.training.left_behind import mark_left_behind
from phasewise.training.loop import MapProgram
from phasewise.training.prepared_call import TILE, prepare_call, prepared_call
from phasewise.training.programs import observed, program, shapes_of
from phasewise.training.rows import is_ours, keep_rows_apart
from phasewise.training.step import real_rows_of
from phasewise.training.weights import Weights


def call_at_once(model, x):
    """`model(x)` of a few rows whose program is at hand; None where it is not, or something else than `x` may have a part in it."""
    if model.runs_on_host or variable.in_scope() or any_traced(()):
        return None
    prepared = prepared_call(model, "call", x)
    if prepared is None:
        return None
    forget_losses(model)
    outputs = prepared.outputs(prepared.tile_of(x), len(x), row)
    return outputs if len(x) == 1 else jax.device_put(outputs)


def call(model, args, kwargs, given):
    """The outputs of `model` for arrays, and for whatever else its `call` takes.

    Args:
        args, kwargs: as the model computes with them.
        given: `args` as the user gave them.
    """
    leaves, tree = jax.tree.flatten((args, kwargs))
    arrays = [leaf for leaf in leaves if _is_array(leaf)]
    constants = tuple(None if _is_array(leaf) else leaf for leaf in leaves)
    model._ensure_traced(*args, **kwargs)
    rows = {array.shape[0] if array.ndim else None for array in arrays}
    forget_losses(model)
    if len(rows) == 1 and None not in rows and 0 not in rows and jax.default_backend() == "cpu":
        key = (tree, constants, tuple((array.shape[1:], array.dtype) for array in arrays))
        asked = program(model, "call", key, lambda: Asked(model, tree, constants, arrays))
        if asked.looked_up:
            check_ids_of(asked.looked_up, arrays, row)
        if asked.in_tiles:
            return _in_tiles(model, asked, arrays, given[0] if len(given) == 1 and not kwargs else None)
        if asked.is_filled_up:
            return _filled_up(model, asked, arrays, *rows)
    asked = Asked(model, tree, constants)
    return _as_it_is(model, asked, [unaliased(array) for array in arrays])


class Asked:
    """What a call of a model passes beside its arrays, and whether rows may be added to these.

    Args:
        model: built.
        tree, constants: structure of `(args, kwargs)`, and its leaves, None for arrays.
        arrays: of any number of rows, for which the call is traced; None asks nothing.

    Attributes:
        in_tiles: a row's output depends on that row alone, so that rows are computed a tile at a time, as in `predict`.
        is_filled_up: rows see each other, but know which are real.
        looked_up: (number of an array, layer) for those that go to an embedding as they are.
        calls: the `observe.Calls` of the trace; None where nothing was asked.
    """

    def __init__(self, model, tree, constants, arrays=None):
        self._model, self.key, self.calls = model, (tree, constants), None
        self.in_tiles = self.is_filled_up = False
        self.looked_up = ()
        if arrays is not None and all(map(is_ours, model._inventory().layers)):
            self._look(arrays)

    def outputs(self, arrays):
        """The model's outputs; called while something is traced."""
        tree, constants = self.key
        given = iter(arrays)
        args, kwargs = jax.tree.unflatten(tree, [next(given) if c is None else c for c in constants])
        return Layer.__call__(self._model, *args, **kwargs)

    def _look(self, arrays):
        specs = [jax.ShapeDtypeStruct((TILE, *array.shape[1:]), array.dtype) for array in arrays]
        try:
            calls, outputs = observed(self._model, self.outputs, specs)
        except Exception:  # the model does not take so many rows; if anything is wrong, the call as it is says what
            return
        self.calls, self.looked_up = calls, calls.looked_up
        has_rows = all(leaf.shape[:1] == (TILE,) for leaf in jax.tree.leaves(outputs))
        if has_rows and keep_rows_apart(calls) and not calls.adds_losses:
            self.in_tiles = not (calls.rows_mix or calls.draws or calls.writes)
            self.is_filled_up = not self.in_tiles


def _in_tiles(model, asked, arrays, x):
    """The outputs for `arrays`; the next call on so few rows as `x`, the only argument, or None, is prepared."""
    weights = Weights.of(model._inventory())
    parts = []
    for feed_ in tile_feeds(tuple(np.asarray(array) for array in arrays), TILE):
        loop = program(model, "call in tiles", (asked.key, shapes_of(feed_.arrays)), lambda: _tiled(asked, weights))
        count = int(feed_.real_rows.sum())
        if count <= TILE and not parts:
            prepare_call(model, "call", x, loop, weights, arrays[0], asked.calls, {})
        if count == 1 and not parts:
            return loop.first_row({"weights": weights.now()}, feed_)
        stacked = loop.run({"weights": weights.now()}, feed_)
        parts.append(jax.tree.map(lambda leaf, n=count: leaf.reshape(-1, *leaf.shape[2:])[:n], stacked))
    whole = parts[0] if len(parts) == 1 else jax.tree.map(lambda *leaf: np.concatenate(leaf), *parts)
    return jax.device_put(whole)


def _tiled(asked, weights):
    def step(state, arrays, valid, numbers):
        values = weights.unpacked(state["weights"], numbers)
        with real_rows_of(arrays, valid), variable.scope(weights.variables, values), random.scope(np.uint32(0), 0):
            return asked.outputs(arrays)

    return MapProgram(step, weights.variables, weights.numbers)


def _filled_up(model, asked, arrays, rows):
    size = feed.size_class(rows)
    if size == rows:
        return _as_it_is(model, asked, [unaliased(array) for array in arrays])
    filled = [feed.pad_rows(np.asarray(array), size) for array in arrays]
    outputs = _as_it_is(model, asked, filled, np.int32(rows))
    return jax.device_put(jax.tree.map(lambda leaf: np.asarray(leaf)[:rows], outputs))


def _as_it_is(model, asked, arrays, valid=None):
    key = (asked.key, valid is None, shapes_of(arrays))
    return program(model, "call as it is", key, lambda: _AsItIs(model, asked))(model, arrays, valid)


class _AsItIs:
    """A compiled call whose layers may write variables, draw, and add losses."""

    def __init__(self, model, asked):
        inventory, followed = model._inventory(), Followed()
        self._trained, self._followed = inventory.trained, followed
        self._others = [*inventory.others, *(v for metric in inventory.metrics for v in metric.variables)]
        self._is_traced = False

        def run(params, state, read, seed, number, arrays, valid):
            with (
                real_rows_of(arrays, valid),
                variable.scope([*followed.variables, *self._trained, *self._others], [*read, *params, *state]) as held,
                random.scope(seed, number),
                collected_losses() as losses,
            ):
                outputs = asked.outputs(arrays)
                return outputs, held.collect(followed.variables), held.collect(self._others), list(losses)

        self._run = compiled(run, inventory.variables)

    def __call__(self, model, arrays, valid):
        params, others = [v.raw for v in self._trained], [v.raw for v in self._others]
        drawn = model._seeds.next_call()
        if not self._is_traced:
            self._followed.traced(
                lambda: self._run.trace(params, others, self._followed.values(), *drawn, arrays, valid)
            )
            self._is_traced = True
            mark_left_behind(model)
        outputs, *written, model._last_losses = self._run(
            params, others, self._followed.values(), *drawn, arrays, valid
        )
        for variables, values in zip((self._followed.variables, self._others), written, strict=True):
            for each, value in zip(variables, values, strict=True):
                each._value = value
        return outputs


def _is_array(leaf):
    return isinstance(leaf, np.ndarray | jax.Array)
