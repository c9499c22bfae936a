"""The state of a run as one pytree: gathered from a model's variables, and put back."""

import numpy as np


def gather(model, *, training=False, metrics=False):
    """The arrays that a step reads and writes.

    Args:
        model: what is run; built.
        training: whether the optimizer's state is part of it.
        metrics: whether the metric accumulators are.

    Returns:
        dict: "params" and "other" (trainable and other variables, as lists), "seed" (uint32), "step" (int32: steps the
        model has been trained for), and where asked "optimizer" and "metrics".
    """
    state = {
        "params": [v.raw for v in model.trainable_variables],
        "other": [v.raw for v in model.non_trainable_variables],
        "seed": np.uint32(model.seed),
        "step": np.int32(model.steps_trained),
    }
    if training:
        state["optimizer"] = model.optimizer.state
    if metrics:
        state["metrics"] = [v.raw for v in model.objective.variables]
    return state


def restore(model, state):
    """Give the model what a step computed. Only references move, so this costs nothing to speak of."""
    for variable, value in zip(model.trainable_variables, state["params"], strict=True):
        variable._value = value
    for variable, value in zip(model.non_trainable_variables, state["other"], strict=True):
        variable._value = value
    if "optimizer" in state:
        model.optimizer.state = state["optimizer"]
        model.steps_trained = int(state["step"])
    if "metrics" in state:
        for variable, value in zip(model.objective.variables, state["metrics"], strict=True):
            variable._value = value
