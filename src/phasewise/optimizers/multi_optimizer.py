"""Several optimizers for the variables of one model."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn, Self

import jax.numpy as jnp
import numpy as np

from phasewise.core import registry
from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, Config
from phasewise.core.variable import Variable
from phasewise.optimizers.kept import Entry
from phasewise.optimizers.optimizer import KIND, Optimizer
from phasewise.optimizers.optimizer_map import MAP, OptimizerMap, check_inner
from phasewise.optimizers.settings import new_revision
from phasewise.optimizers.slots import State


@register(KIND)
class MultiOptimizer(Optimizer):
    """Each variable is updated by the optimizer that is chosen for it, which keeps a learning rate, a count and settings of its own.

    Args:
        optimizer_map: an `OptimizerMap`, or a function from a variable to an optimizer, asked once for each.
        loss_scale_factor: holds for all of them, in the place of their own.
        name: str.

    `optimizers` are those chosen so far, to read and set what is theirs; clipping by `global_clipnorm` sees the variables of one
    optimizer alone. Assigning `iterations` assigns those of all.

    Raises:
        ValueError: `optimizer_map` is neither; or, when the variables are known, it gives what is no optimizer or wraps others.
        AttributeError: `learning_rate` is read or set, or a setting that belongs to the optimizers inside.
    """

    wraps_others = True

    def __init__(
        self,
        optimizer_map: OptimizerMap | Callable[[Variable], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ):
        if isinstance(optimizer_map, type) or not callable(optimizer_map):
            raise ValueError(
                "MultiOptimizer's optimizer_map is an OptimizerMap, or a function from a variable to an optimizer; got "
                f"{optimizer_map!r}."
            )
        vars(self).update(_optimizers=[], _rest=None, _own_revision=0)
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self._map = optimizer_map
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._number_of(optimizer)
        self._chosen = {}

    def __getstate__(self):
        return {**super().__getstate__(), "_chosen": list(self._chosen.values())}

    def __setstate__(self, state):
        super().__setstate__({**state, "_chosen": {id(v): (v, number) for v, number in state["_chosen"]}})
        vars(self)["_own_revision"] = new_revision()

    # -- who updates what

    @property
    def optimizers(self) -> list[Optimizer]:
        """Those that were chosen so far: of an `OptimizerMap` all, the default last."""
        return list(self._optimizers)

    def _number_of(self, optimizer):
        for number, known in enumerate(self._optimizers):
            if known is optimizer:
                return number
        optimizer.loss_scale_factor = self.loss_scale_factor
        self._optimizers.append(optimizer)
        return len(self._optimizers) - 1

    def _choose(self, variable):
        if id(variable) not in self._chosen:
            optimizer = check_inner(self._map(variable), f"variable {variable.path!r}")
            self._chosen[id(variable)] = (variable, self._number_of(optimizer))
        return self._chosen[id(variable)][1]

    def _shared_out(self, variables):
        """(optimizer, its number, the places of its variables) for each."""
        numbers = [self._choose(variable) for variable in variables]
        return [
            (optimizer, number, [place for place, chosen in enumerate(numbers) if chosen == number])
            for number, optimizer in enumerate(self._optimizers)
        ]

    # -- the pure part

    def init(self, params: Sequence[ArrayLike], variables: Sequence[Variable] | None = None) -> State:
        """The states of all of them, under "inner"."""
        variables, inner = self._of(params, variables), []
        for optimizer, _, places in self._shared_out(variables):
            inner.append(optimizer.init([params[p] for p in places], [variables[p] for p in places]))
        return {"iterations": np.int32(0), "inner": inner}

    def update(
        self,
        grads: Sequence[Array],
        state: State,
        params: Sequence[Array],
        variables: Sequence[Variable] | None = None,
    ) -> tuple[list[Array], State]:
        """One step of each of them. Pure."""
        variables, values, inner = self._of(params, variables), list(params), list(state["inner"])
        for optimizer, number, places in self._shared_out(variables):
            if places:
                parts = ([items[p] for p in places] for items in (grads, params, variables))
                some_grads, some_params, some_variables = parts
                new, inner[number] = optimizer.update(some_grads, inner[number], some_params, some_variables)
                for place, value in zip(places, new, strict=True):
                    values[place] = value
        return values, {**state, "iterations": state["iterations"] + 1, "inner": inner}

    def _of(self, params, variables):
        variables = self._known if variables is None else list(variables)
        if len(variables) != len(params):
            raise ValueError("MultiOptimizer chooses by variable: it needs the variables behind the parameters.")
        return variables

    def is_tame(self, variables: Sequence[Variable]) -> bool:
        """Whether all of them are."""
        return all(each.is_tame([variables[p] for p in places]) for each, _, places in self._shared_out(variables))

    def is_moderate(self, grads: Sequence[Array], state: State) -> Array:
        """Whether the gradients are moderate for each that has some."""
        shares = [share for share in self._shared_out(self._known) if share[2]]
        answers = [each.is_moderate([grads[p] for p in ps], state["inner"][number]) for each, number, ps in shares]
        return jnp.stack([jnp.asarray(answer) for answer in answers]).all() if answers else jnp.bool_(True)

    def wrong_rate(self, state: State) -> str | None:
        """That of the first whose rate is negative."""
        told = (each.wrong_rate(part) for each, part in zip(self._optimizers, state["inner"]))
        return next((text for text in told if text), None)

    def finalize(self, params: Sequence[Array], state: State) -> Sequence[Array]:
        """The averages of those that keep some."""
        values = list(params)
        for optimizer, number, places in self._shared_out(self._known):
            for place, value in zip(places, optimizer.finalize([params[p] for p in places], state["inner"][number])):
                values[place] = value
        return values

    # -- the shell

    @property
    def state(self) -> State | None:
        """The states of all of them and the count of all steps; each of them has its own too."""
        return None if self._rest is None else {**self._rest, "inner": [each.state for each in self._optimizers]}

    @state.setter
    def state(self, value: State | None) -> None:
        inner = [None] * len(self._optimizers) if value is None else value["inner"]
        vars(self)["_rest"] = None if value is None else {k: v for k, v in value.items() if k != "inner"}
        for optimizer, part in zip(self._optimizers, inner, strict=True):
            optimizer.state = part

    @property
    def revision(self) -> tuple[int, ...]:
        """Changes when something was set here or on one of them."""
        return (self._own_revision, *(each.revision for each in self._optimizers))

    @revision.setter
    def revision(self, value: int) -> None:
        vars(self)["_own_revision"] = value

    def prepare(self, variables: Iterable[Variable]) -> None:
        """Choose an optimizer for each of these variables, and prepare it for its own."""
        variables = list(variables)
        if self._rest is not None and [id(v) for v in variables] == [id(v) for v in self._known]:
            return
        for optimizer, _, places in self._shared_out(variables):
            optimizer.prepare([variables[p] for p in places])
        self._known = variables
        if self._rest is None:
            vars(self)["_rest"] = {"iterations": np.int32(self._first_step)}

    def knows(self, variables: Iterable[Variable]) -> bool:
        """Whether the optimizer of each has a state for it."""
        variables = list(variables)
        chosen = all(id(v) in self._chosen for v in variables)
        return chosen and all(each.knows([variables[p] for p in ps]) for each, _, ps in self._shared_out(variables))

    def begin_anew(self) -> None:
        """Forget the variables and what was kept for them; learning rates hold on."""
        for optimizer in self._optimizers:
            optimizer.begin_anew()
        vars(self)["_rest"] = None
        self._known, self._chosen = [], {}

    @property
    def learning_rate(self) -> NoReturn:
        """Each optimizer has its own."""
        raise AttributeError(self._where("learning_rate"))

    @learning_rate.setter
    def learning_rate(self, value: Any) -> NoReturn:
        raise AttributeError(self._where("learning_rate"))

    @property
    def iterations(self) -> Variable:
        """Number of steps so far. Assigning it assigns those of all."""
        return super().iterations

    @iterations.setter
    def iterations(self, value: int) -> None:
        Optimizer.iterations.fset(self, value)
        for optimizer in self._optimizers:
            optimizer.iterations = value

    @property
    def loss_scale_factor(self) -> float | None:
        """That of all of them."""
        return vars(self).get("_loss_scale_factor")

    @loss_scale_factor.setter
    def loss_scale_factor(self, value: float | None) -> None:
        vars(self)["_loss_scale_factor"] = value
        for optimizer in self._optimizers:
            optimizer.loss_scale_factor = value

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> NoReturn:
        """Each optimizer has exclusions of its own."""
        raise AttributeError(self._where("exclude_from_weight_decay"))

    def _refuse_unknown(self, name):
        is_made = "_chosen" in vars(self)
        if is_made and name[0] != "_" and name not in ("loss_scale_factor", "state"):
            raise AttributeError(self._where(name))

    def _where(self, name):
        return f"MultiOptimizer has no {name!r} of its own: it is that of each optimizer in `{self.name}.optimizers`."

    # -- what is kept, as variables

    def entries(self) -> list[Entry]:
        """Its own count, a learning rate of 0 as Keras has it, and the variables of all of them."""
        found = [Entry(f"{self.name}/iteration", ("iterations",)), Entry(f"{self.name}/learning_rate", (), _no_rate)]
        for number, optimizer in enumerate(self._optimizers):
            found += [_moved(entry, number) for entry in optimizer.entries()]
        return found

    def _read(self, entry):
        if entry.place[:1] != ("inner",):
            return super()._read(entry)
        return self._optimizers[entry.place[1]]._read(Entry(entry.path, entry.place[2:]))

    def _write(self, values):
        own = {place: value for place, value in values.items() if place[0] != "inner"}
        super()._write(own)
        for number, optimizer in enumerate(self._optimizers):
            part = {place[2:]: value for place, value in values.items() if place[:2] == ("inner", number)}
            if part:
                optimizer._write(part)

    def get_config(self) -> Config:
        """Every argument."""
        described = registry.serialize(self._map)
        return {"optimizer_map": described, "loss_scale_factor": self.loss_scale_factor, "name": self.name}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A new one around new optimizers.

        Raises:
            ValueError: the map was a function that is not registered.
        """
        return cls(**{**config, "optimizer_map": registry.deserialize(MAP, config["optimizer_map"])})


def _no_rate(state):
    return np.float32(0)


def _moved(entry, number):
    """An entry of one optimizer as one of all."""
    if entry.made is None:
        return Entry(entry.path, ("inner", number, *entry.place))
    return Entry(entry.path, (), lambda state: entry.made(state["inner"][number]))
