"""The state of a run as one pytree: gathered from a model's variables, and put back."""

import numpy as np


class Cells:
    """The variables that a run reads and writes, looked up once.

    Args:
        model: what is run; built.
        training: whether the optimizer's state is part of the run.
        metrics: whether the metric accumulators are.
    """

    def __init__(self, model, *, training=False, metrics=False):
        self._model, self._training = model, training
        self.params, self._other = model.split_variables()
        self._metrics = model.objective.variables if metrics else None
        self.places = {id(variable): place for place, variable in enumerate(self._other)}  # in "other"

    def gather(self):
        """The arrays that a step reads and writes.

        Returns:
            dict: "params" and "other" (trainable and other variables, as lists), "seed" (uint32), "step" (int32: steps the
            model has been trained for), and where asked "optimizer" and "metrics".
        """
        state = {
            "params": [v.raw for v in self.params],
            "other": [v.raw for v in self._other],
            "seed": np.uint32(self._model.seed),
            "step": np.int32(self._model.steps_trained),
        }
        if self._training:
            state["optimizer"] = self._model.optimizer.state
        if self._metrics is not None:
            state["metrics"] = [v.raw for v in self._metrics]
        return state

    def restore(self, state):
        """Give the model what a step computed. Only references move, so this costs nothing to speak of."""
        _put(self.params, state["params"])
        _put(self._other, state["other"])
        if self._training:
            self._model.optimizer.state = state["optimizer"]
            self._model.steps_trained = int(state["step"])
        if self._metrics is not None:
            _put(self._metrics, state["metrics"])


def _put(variables, values):
    for variable, value in zip(variables, values, strict=True):
        variable._value = value
