"""Compiled programs of a model, filed under everything that the switch read while they were traced.

A pinned phase, a frozen layer or another statistics policy leads to another key, so that a change takes effect at the
very next call and a stale program cannot run.
"""

import contextlib

import jax

from phasewise.core import random, variable
from phasewise.core.registry import nearest
from phasewise.layer.added_losses import collected_losses
from phasewise.switch import observe, phase, statistics_policy


def switch_key(model):
    """Everything that decides what a traced call of `model` does, beside its arguments."""
    inventory = model._inventory()
    return (
        phase.switch_key(),
        statistics_policy.current(),
        tuple((id(layer), layer._own_trainable) for layer, _ in inventory),
        tuple(v.trainable for _, own in inventory for v in own),
    )


def program(model, kind, key, make):
    """The program of this `kind` for the present switch and `key`; made by `make()` when there is none yet."""
    full_key = (kind, switch_key(model), key)
    if full_key not in model.programs:
        layers = model.all_layers()  # kept, so that no new layer can come to bear the identity of one in the key
        model.programs[full_key] = (make(), layers)
    return model.programs[full_key][0]


@contextlib.contextmanager
def under(model, policy):
    """What `model` does inside the block follows the statistics policy that its user gave, None for none.

    Raises:
        ValueError: no such policy, or a dict with a name that no normalization layer of the model has.
    """
    policy = statistics_policy.resolve(policy)
    if isinstance(policy, statistics_policy.ByLayer):
        known = [layer.name for layer in model.all_layers() if layer._moving_statistics is not None]
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

    def make():
        from_state = [v.raw for v in model.variables]

        def call(values, x):
            with variable.scope(model.variables, values), random.scope(0, 0), phase.task(task):
                with collected_losses() as added:
                    outputs = model(x)
                calls.adds_losses = bool(added)
                return outputs

        with observe.calls() as calls:
            outputs = jax.eval_shape(call, from_state, inputs_spec)
        return calls, outputs

    return program(model, "trace", (task, str(inputs_spec)), make)
