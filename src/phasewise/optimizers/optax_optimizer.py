"""Any optax transformation as an optimizer."""

import jax.numpy as jnp
import numpy as np

from phasewise.optimizers.optimizer import Optimizer


class OptaxOptimizer(Optimizer):
    """An optax `GradientTransformation`, as it is: what it computes is added to the parameters.

    Args:
        transformation: an object with `init` and `update`.

    `learning_rate` can be read and assigned when the transformation was made with `optax.inject_hyperparams`.
    """

    def __init__(self, transformation, name="optax"):
        super().__init__(learning_rate=0.0, name=name)
        self.transformation = transformation

    def init(self, params, variables=None):
        """The transformation's state."""
        inner = self.transformation.init([jnp.asarray(p) for p in params])
        return {"iterations": np.int32(0), "optax": inner}

    def update(self, grads, state, params, variables=None):
        """One step: see `Optimizer.update`."""
        updates, inner = self.transformation.update(list(grads), state["optax"], list(params))
        variables = variables or [None] * len(params)
        values = [(p + u).astype(p.dtype) for p, u in zip(params, updates)]
        values = [v.constraint(x) if v is not None and v.constraint else x for x, v in zip(values, variables)]
        return values, {**state, "iterations": state["iterations"] + 1, "optax": inner}

    def prepare(self, variables):
        """Make the state for these variables; optax's own state begins anew when they are others than before."""
        if self.state is None or [id(v) for v in variables] != [id(v) for v in self._known]:
            self.state, self._known = self.init([v.raw for v in variables]), list(variables)

    def _injected(self):
        hyperparams = getattr(self.state["optax"], "hyperparams", {}) if self.state else {}
        if "learning_rate" not in hyperparams:
            raise AttributeError(
                "An optax transformation keeps its learning rate to itself. To read or change it, make it with "
                "optax.inject_hyperparams(optax.adam)(learning_rate=...)."
            )
        return hyperparams

    @property
    def learning_rate(self):
        """The injected learning rate."""
        return float(self._injected()["learning_rate"])

    @learning_rate.setter
    def learning_rate(self, value):
        inner = self.state["optax"]
        hyperparams = {**self._injected(), "learning_rate": jnp.float32(value)}
        self.state = {**self.state, "optax": inner._replace(hyperparams=hyperparams)}

    def get_config(self):
        """An optax transformation is a pair of functions: it has no config.

        Raises:
            ValueError: always.
        """
        raise ValueError("An optax transformation cannot be written to a config: it is made of functions.")


def is_transformation(item):
    """Whether `item` is an optax transformation."""
    return callable(getattr(item, "init", None)) and callable(getattr(item, "update", None))
