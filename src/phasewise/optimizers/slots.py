"""What an optimizer's state has for each variable, and how it follows a variable that is frozen for a while."""

from typing import TypeAlias

from phasewise.core.types import Array, Nest

Slots: TypeAlias = dict[str, Array]
"""What is kept for one parameter, by name."""

State: TypeAlias = dict[str, Nest]
"""What an optimizer keeps from step to step."""

BESIDE = ("ema", "accumulated")


def by_variable(state, variables):
    """dict from a variable's id to (the variable, held so that the id stays its own; its part of the state by name)."""
    lists = {**state["slots"], **{name: state[name] for name in BESIDE if name in state}}
    return {id(v): (v, {name: values[i] for name, values in lists.items()}) for i, v in enumerate(variables)}


def filled(state, kept, variables):
    """`state` with what `kept`, made by `by_variable`, has for `variables`; the others' part is as it is."""

    def fill(name, values):
        of_each = zip(variables, values, strict=True)
        return [kept[id(v)][1].get(name, value) if id(v) in kept else value for v, value in of_each]

    slots = {name: fill(name, values) for name, values in state["slots"].items()}
    return {**state, "slots": slots, **{name: fill(name, state[name]) for name in BESIDE if name in state}}


def whole(state):
    """The part of the state that belongs to no single variable."""
    return {name: value for name, value in state.items() if name not in ("slots", *BESIDE)}
