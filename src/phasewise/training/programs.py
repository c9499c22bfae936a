"""Compiled programs of a model, filed under everything that the switch read while they were traced.

A pinned phase, a frozen layer, another statistics policy or another value of an attribute leads to another key, so that a change takes effect at the
very next call and a stale program cannot run.
"""

import contextlib

import jax
import numpy as np

from phasewise.core import defaults, random, settings, variable
from phasewise.core.registry import nearest
from phasewise.layer.added_losses import collected_losses
from phasewise.switch import observe, phase, statistics_policy
from phasewise.training.left_behind import mark_left_behind

MOST_PROGRAMS = 32


def switch_key(model):
    """Everything that decides what a traced call of `model` does, beside its arguments."""
    return phase.switch_key(), statistics_policy.current(), settings.number(), defaults.number(), model._inventory().key


def program(model, kind, key, make):
    """The program of this `kind` for the present switch and `key`; made by `make()` when there is none yet.

    A model keeps its latest `MOST_PROGRAMS`; the one that was not used for longest goes first.
    """
    full_key = (kind, switch_key(model), key)
    found = model.programs.pop(full_key, None)
    if found is None:
        layers = model._inventory().layers  # kept, so that no new layer can come to bear the identity of one in the key
        with settings.reading():
            found = make(), layers
        mark_left_behind(model)
    model.programs[full_key] = found  # the latest is the last
    while len(model.programs) > MOST_PROGRAMS:
        model.programs.pop(next(iter(model.programs)), None)
    return found[0]


def known_program(model, kind, key):
    """As `program`; None where there is none."""
    full_key = (kind, switch_key(model), key)
    found = model.programs.pop(full_key, None)
    if found is None:
        return None
    model.programs[full_key] = found
    return found[0]


def shapes_of(arrays):
    """What a program is filed under beside the switch: the structure, shapes and dtypes of its arguments."""
    leaves, tree = jax.tree.flatten(arrays)
    return tree, tuple((leaf.shape, leaf.dtype) for leaf in leaves)


@contextlib.contextmanager
def under(model, policy):
    """What `model` does inside the block follows the statistics policy that its user gave, None for none.

    Raises:
        ValueError: no such policy, or a dict with a name that no normalization layer of the model has.
    """
    policy = statistics_policy.resolve(policy)
    if isinstance(policy, statistics_policy.ByLayer):
        known = [layer.name for layer in model._inventory().layers if layer._averages]
        for name in policy.names():
            if name not in known:
                near = nearest(name, known)
                hint = f" Did you mean {near!r}?" if near else ""
                raise ValueError(
                    f"`statistics` names the layer {name!r}, which is no batch normalization of {model.name!r}.{hint} It has: "
                    f"{', '.join(known) or 'none'}."
                )
    with statistics_policy.statistics(policy):
        yield


def trace_calls(model, inputs_spec, task):
    """The record of layer calls that `task` would make, and the outputs' shapes; nothing runs.

    Returns:
        (`observe.Calls`, structure of `jax.ShapeDtypeStruct`).
    """

    def call(x):
        with phase.task(task):
            return model(x)

    return program(model, "trace", (task, *shapes_of(inputs_spec)), lambda: observed(model, call, inputs_spec))


def observed(model, function, inputs_spec):
    """The record of the layer calls that `function` makes when it calls `model` on inputs of this structure, as of `trace_calls`."""
    variables = model._inventory().variables
    specs = [jax.ShapeDtypeStruct(v.shape, v.dtype) for v in variables]

    def call(values, inputs):
        with (
            variable.scope(variables, values) as held,
            random.scope(np.uint32(0), 0) as draws,
            collected_losses() as added,
        ):
            outputs = function(inputs)
        calls.end_of_trace(jax.tree.leaves(inputs))
        calls.adds_losses, calls.draws = bool(added), tuple(draws.drawn)
        changed = any(now is not given for now, given in zip(held.collect(variables), values))
        calls.writes = changed or held.wrote_others
        return outputs

    with observe.calls() as calls:
        outputs = jax.eval_shape(call, specs, inputs_spec)
    return calls, outputs
