"""The state of a run as one pytree: gathered from a model's variables, and put back."""

import sys

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core.followed import Followed
from phasewise.core.variable import values_of


class Cells:
    """The variables that a run reads and writes, looked up once.

    Args:
        model: what is run; built.
        training: whether the optimizer's state is part of the run.
        metrics: whether the metric accumulators are.
    """

    def __init__(self, model, *, training=False, metrics=False):
        self._model, self._training = model, training
        self.optimizers = [model.optimizer] if training else []
        self.layout = None  # how a step takes the state; None as the model holds it
        self.followed = Followed()  # what the step reads beside the model's variables
        inventory = model._inventory()
        self.params, self.other = inventory.trained, inventory.others
        self._metrics = model.objective.variables if metrics else None
        self._memory = [] if training else [(place, v) for place, v in enumerate(self.other) if v.is_memory]

    @property
    def log_names(self):
        """Names in the order in which they are shown."""
        return self._model.objective.names

    def places(self):
        """The place of each other variable in "other", by identity."""
        return {id(variable): place for place, variable in enumerate(self.other)}

    def gather(self):
        """The arrays that a step reads and writes.

        Returns:
            dict: "params" and "other" (trainable and other variables, as lists), "followed" (likewise), "seed" (uint32), "step" (int32: steps the
            model has been trained for), and where asked "optimizer" and "metrics".
        """
        state = {
            "params": values_of(self.params),
            "other": values_of(self.other),
            "followed": self.followed.values(),
            "seed": np.uint32(self._model._seeds.seed),
            "step": np.int32(self._model.steps_trained),
        }
        if self._training:
            state["optimizer"] = self._model.optimizer.state
        if self._metrics is not None:
            state["metrics"] = values_of(self._metrics)
        return state if self.layout is None else self.layout.pack(state)

    def restore(self, state):
        """Give the model what a step computed: of one that is no training, the metrics and what layers remember. Only references move, so this costs
        nothing to speak of."""
        state = state if self.layout is None else self.layout.unpack(state)
        if self._training:
            _put(self.followed.variables, state["followed"])
            _put(self.params, state["params"])
            _put(self.other, state["other"])
            self._restore_optimizers(state["optimizer"])
            self._model.steps_trained = state["step"]
        for place, variable in self._memory:
            variable._value = state["other"][place]
        if self._metrics is not None:
            _put(self._metrics, state["metrics"])

    def _restore_optimizers(self, state):
        self._model.optimizer.state = state

    def bytes(self):
        """The size of the state."""
        return sum(
            np.asarray(leaf).nbytes if np.isscalar(leaf) else leaf.nbytes for leaf in jax.tree.leaves(self.gather())
        )

    def given_up(self, state):
        """The state that `gather` gave, for a program that writes over it.

        An array that someone else holds too, and one that is not the device's, is copied first, one by one, so that no two
        copies of all are there at a time.
        """
        lists = (
            ("params", self.params),
            ("other", self.other),
            ("followed", self.followed.variables),
            ("metrics", self._metrics),
        )
        for name, variables in lists:
            for place, variable in enumerate(variables):
                state[name][place] = None
                variable._value = _owned(variable._value)
                state[name][place] = variable._value
        kept = self._model.optimizer.state
        del state["optimizer"]
        leaves, tree = jax.tree.flatten(kept)
        self._model.optimizer.state = None
        del kept
        for place in range(len(leaves)):
            leaf, leaves[place] = leaves[place], None
            leaves[place] = _owned(leaf)
            del leaf
        state["optimizer"] = self._model.optimizer.state = jax.tree.unflatten(tree, leaves)
        return state


def _owned(array):
    """The array itself where nobody but the caller holds it, else a copy, in memory of the device's own."""
    if isinstance(array, jax.Array) and sys.getrefcount(array) <= _ONE_HOLDER:
        return array
    return _copied(array)


# What is put on a CPU as it is may still lie in memory of NumPy's, which no program may write over.
_copied = jax.jit(jnp.copy)


def _references_of_one_holder():
    def counted(item):
        return sys.getrefcount(item)

    item = object()
    return counted(item)


_ONE_HOLDER = _references_of_one_holder()


def _put(variables, values):
    for variable, value in zip(variables, values, strict=True):
        variable._value = value
