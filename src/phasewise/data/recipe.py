"""How a plan was made, step by step: by that it is pickled, since its streams are functions that no other process could find."""

import functools
import inspect
import pickle
from typing import Any

from phasewise.core.keywords import told
from phasewise.core.pickling import Portable, goes_by_value

_HELD = ("from_tensor_slices", "from_tensors")  # what these were given is in the plan: no second copy is kept


class Recipe(Portable):
    """One step.

    Attributes:
        before: the plan that the step was taken from; None for a source.
        name: of the method of `Dataset`.
        args, kwargs: what it was given.
    """

    spoken_of = "This plan"

    def __init__(self, before: Any, name: str, args: tuple, kwargs: dict[str, Any]):
        self.before, self.name, self.args, self.kwargs = before, name, args, kwargs


def remembered(cls: type) -> type:
    """Class decorator for `Dataset`: a plan that one of its methods returns knows how it was made, and can be pickled where its
    data are arrays and its functions have names. A copy is made likewise, and shares no order of shuffling with the plan; one without
    a seed is drawn anew."""
    for name, member in list(vars(cls).items()):
        if name[0] == "_" or isinstance(member, property):
            continue
        if isinstance(member, classmethod):
            setattr(cls, name, classmethod(_remembering(name, member.__func__, is_source=True)))
        elif inspect.isfunction(member):
            setattr(cls, name, _remembering(name, member))
    cls.__reduce_ex__ = _reduced
    return cls


def _remembering(name, method, is_source=False):
    telling = told(method)

    @functools.wraps(method)
    def made_by(owner, *args, **kwargs):
        made = telling(owner, *args, **kwargs)
        if made is not owner and type(made) is (owner if is_source else type(owner)):
            held = name in _HELD
            made._recipe = Recipe(None if is_source else owner, name, () if held else args, {} if held else kwargs)
        return made

    return made_by


def _reduced(plan, protocol):
    recipe = vars(plan).get("_recipe")
    if recipe is None and goes_by_value():
        return object.__reduce_ex__(plan, protocol)
    if recipe is None:
        raise pickle.PicklingError(
            "This plan cannot be pickled: its data come from a generator or another library. Pickle the arrays, or what makes the "
            "plan, instead."
        )
    if recipe.name not in _HELD:
        return _made_again, (type(plan), recipe)
    given = plan._rows.source if recipe.name == "from_tensor_slices" else next(iter(plan))
    return _made_again, (type(plan), Recipe(None, recipe.name, (given,), {}))


def _made_again(cls, recipe):
    owner = cls if recipe.before is None else recipe.before
    return getattr(owner, recipe.name)(*recipe.args, **recipe.kwargs)
