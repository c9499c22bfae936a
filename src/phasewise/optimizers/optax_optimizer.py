"""Any optax transformation as an optimizer."""

from collections.abc import Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core.types import Array, ArrayLike, Config
from phasewise.core.variable import Variable
from phasewise.optimizers.arguments import check_rate
from phasewise.optimizers.kept import Entry, keys_of
from phasewise.optimizers.live import Live
from phasewise.optimizers.optimizer import Optimizer
from phasewise.optimizers.slots import State


class OptaxOptimizer(Optimizer):
    """An optax `GradientTransformation`, as it is: what it computes is added to the parameters.

    Args:
        transformation: an object with `init` and `update`.

    `learning_rate` can be read and assigned when the transformation, or one part of a chain, was made with
    `optax.inject_hyperparams`.
    """

    fixed = ("transformation",)

    def __init__(self, transformation: Any, name: str | None = "optax"):
        super().__init__(learning_rate=0.0, name=name)
        self.transformation = transformation
        self._assigned = None

    def init(self, params: Sequence[ArrayLike], variables: Sequence[Variable] | None = None) -> State:
        """The transformation's state."""
        inner = self.transformation.init([jnp.asarray(p) for p in params])
        return {"iterations": np.int32(0), "optax": inner}

    def update(
        self,
        grads: Sequence[Array],
        state: State,
        params: Sequence[Array],
        variables: Sequence[Variable] | None = None,
    ) -> tuple[list[Array], State]:
        updates, inner = self.transformation.update(list(grads), state["optax"], list(params))
        variables = variables or [None] * len(params)
        values = [(p + u).astype(p.dtype) for p, u in zip(params, updates)]
        values = [v.constraint(x) if v is not None and v.constraint else x for x, v in zip(values, variables)]
        return values, {**state, "iterations": state["iterations"] + 1, "optax": inner}

    def wrong_rate(self, state: State) -> str | None:
        """None: its rates are its own affair."""

    def prepare(self, variables: Iterable[Variable]) -> None:
        """Make the state for these variables; optax's own state begins anew when they are others than before. An
        assigned learning rate holds on."""
        variables = list(variables)
        if self.state is None or [id(v) for v in variables] != [id(v) for v in self._known]:
            self.state, self._known = self.init([v.raw for v in variables]), variables
            if self._assigned is not None:
                self._inject(self._assigned)

    @property
    def learning_rate(self) -> Variable:
        """The injected learning rate: a variable.

        Raises:
            AttributeError: the transformation keeps its rate to itself.
        """
        _rates_in(self._inner())
        return Live(self, "learning_rate", "float32")

    @learning_rate.setter
    def learning_rate(self, value: float):
        if len(_rates_in(self._inner())) > 1:
            raise TypeError("This learning rate was injected as a schedule: it cannot be assigned. Inject a number.")
        self._assigned = check_rate(value)
        if self.state is not None:
            self._inject(self._assigned)

    @property
    def iterations(self) -> Variable:
        """Number of updates so far. It cannot be assigned: what the transformation counts is its own affair."""
        return super().iterations

    @iterations.setter
    def iterations(self, value: int):
        raise TypeError(
            "The iterations of an optax transformation cannot be set: it keeps a count of its own in its state. Begin with a new one."
        )

    def _present(self, name):
        if name == "iterations":
            return super()._present(name)
        present = float(_rates_in(self._inner())[0])
        return present if self.state is not None or self._assigned is None else self._assigned

    def _refuse_unknown(self, name):
        is_made = "_assigned" in vars(self)
        if is_made and name[0] != "_" and name != "transformation":
            raise AttributeError(
                f"Setting {name!r} would have no effect: the optax transformation alone computes the update. Chain what you need, "
                "as in optax.chain(optax.clip_by_global_norm(1.0), optax.adam(1e-3)), and compile with that."
            )

    def _inner(self):
        # A transformation tells the rate that it begins with in the state that it makes for no parameters.
        return self.transformation.init([]) if self.state is None else self.state["optax"]

    def _inject(self, rate):
        from optax import tree_utils  # here, because most runs do without optax

        inner = self.state["optax"]
        rate = jnp.asarray(rate, _rates_in(inner)[0].dtype)
        self.state = {**self.state, "optax": tree_utils.tree_set(inner, learning_rate=rate)}

    def entries(self) -> list[Entry]:
        """The count, and the arrays of the transformation's state."""
        found = [Entry(f"{self.name}/iteration", ("iterations",))]
        if self.state is None:
            return found
        places = [keys_of(path) for path, _ in jax.tree_util.tree_leaves_with_path(self.state["optax"])]
        return found + [Entry(f"{self.name}/{'_'.join(map(str, keys))}", ("optax", *keys)) for keys in places]

    def get_config(self) -> Config:
        """An optax transformation is a pair of functions: it has no config.

        Raises:
            ValueError: always.
        """
        raise ValueError("An optax transformation cannot be written to a config: it is made of functions.")


def _rates_in(inner):
    """The injected rate, then the state of the schedule that sets it, where one does."""
    from optax import tree_utils

    found = [value for _, value in tree_utils.tree_get_all_with_path(inner, "learning_rate")]
    if not found:
        raise AttributeError(
            "An optax transformation keeps its learning rate to itself. To read or change it, make it with "
            "optax.inject_hyperparams(optax.adam)(learning_rate=...)."
        )
    return found


def is_transformation(item: Any) -> bool:
    """Whether `item` is an optax transformation, no optimizer of ours and no class of one."""
    if isinstance(item, type | Optimizer):
        return False
    return callable(getattr(item, "init", None)) and callable(getattr(item, "update", None))
