"""What a backup has of an optimizer: by variable, so that it does not matter which of them are trained when it is put back."""

import jax
import numpy as np

from phasewise.optimizers import LossScaleOptimizer, MultiOptimizer

_PLAIN = ("_initial_rate", "_first_step", "_assigned")  # numbers beside the state, where a class has them


def optimizer_state(optimizer, places):
    """Everything of an optimizer that its steps depend on, as a nest for a record.

    Args:
        places: dict from the identity of each variable of the model to its number.
    """
    kept = {"class": type(optimizer).__name__}
    if isinstance(optimizer, LossScaleOptimizer):
        return {**kept, "inner": optimizer_state(optimizer.inner_optimizer, places)}
    kept["known"] = [places[id(v)] for v in optimizer._known]
    if isinstance(optimizer, MultiOptimizer):
        chosen = [[places[key], number] for key, (_, number) in optimizer._chosen.items() if key in places]
        inner = [optimizer_state(each, places) for each in optimizer.optimizers]
        return {**kept, "chosen": chosen, "inner": inner, "leaves": _leaves(optimizer._rest)}
    return {
        **kept,
        "built_for": [places[id(v)] for v in optimizer._trainable_variables],
        "leaves": _leaves(optimizer.state),
        "resting": {str(places[key]): part for key, (_, part) in optimizer._resting.items() if key in places},
        "plain": {name: getattr(optimizer, name) for name in _PLAIN if name in vars(optimizer)},
    }


def put_back_optimizer(optimizer, kept, variables):
    """Give an optimizer what `optimizer_state` gave of one like it.

    Args:
        variables: those of the model, in the order of their numbers.

    Raises:
        ValueError: it is another one.
    """
    _make_alike(optimizer, kept, variables)
    _fill(optimizer, kept, variables)


def _make_alike(optimizer, kept, variables):
    """Let it know the same variables, in the same order, each in the same optimizer."""
    if kept["class"] != type(optimizer).__name__:
        raise another_run(
            f"its optimizer is {kept['class']}, and the model is compiled with {type(optimizer).__name__}"
        )
    if isinstance(optimizer, LossScaleOptimizer):
        _make_alike(optimizer.inner_optimizer, kept["inner"], variables)
        optimizer.prepare([variables[i] for i in kept["inner"]["known"]])
        return
    if isinstance(optimizer, MultiOptimizer):
        _choose_alike(optimizer, kept, variables)
    elif kept["built_for"] and not optimizer._begun:
        optimizer.build([variables[i] for i in kept["built_for"]])
    optimizer.prepare([variables[i] for i in kept["known"]])


def _choose_alike(optimizer, kept, variables):
    numbers = [optimizer._choose(variables[place]) for place, _ in kept["chosen"]]
    for (place, number), here in zip(kept["chosen"], numbers):
        if number != here:
            raise another_run(f"its MultiOptimizer has chosen another optimizer for {variables[place].path!r}")
    if len(kept["inner"]) != len(optimizer.optimizers):
        raise another_run(
            f"its MultiOptimizer has {len(kept['inner'])} optimizers, and there are {len(optimizer.optimizers)} here"
        )


def _fill(optimizer, kept, variables):
    if isinstance(optimizer, LossScaleOptimizer):
        _fill(optimizer.inner_optimizer, kept["inner"], variables)
        return
    if isinstance(optimizer, MultiOptimizer):
        for each, part in zip(optimizer.optimizers, kept["inner"]):
            _make_alike(each, part, variables)
            _fill(each, part, variables)
        vars(optimizer)["_rest"] = _filled(optimizer, optimizer._rest, kept["leaves"])
        return
    optimizer.state = _filled(optimizer, optimizer.state, kept["leaves"])
    resting = {variables[int(place)]: part for place, part in kept["resting"].items()}
    optimizer._resting = {id(variable): (variable, part) for variable, part in resting.items()}
    vars(optimizer).update(kept["plain"])


def _leaves(state):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(state)]


def _filled(optimizer, state, saved):
    leaves, tree = jax.tree.flatten(state)
    names = [f"{type(optimizer).__name__}'s state, part {i}" for i in range(len(leaves))]
    check_same("part of the optimizer", names, leaves, saved)
    return jax.tree.unflatten(tree, saved)


def check_same(kind, names, ours, theirs, their_names=None):
    """Raises ValueError unless both lists of arrays are as long and have the same shapes."""
    if len(ours) != len(theirs):
        raise another_run(f"it has {len(theirs)} {kind}s, and there are {len(ours)} here")
    for place, (name, own, saved) in enumerate(zip(names, ours, theirs)):
        if tuple(np.shape(own)) != saved.shape:
            theirs_is = f"{their_names[place]!r} there" if their_names else "it"
            raise another_run(
                f"{kind} {name!r} has shape {tuple(np.shape(own))} here, and {theirs_is} has {saved.shape}"
            )


def another_run(what):
    """The error of a backup that does not fit what is trained."""
    return ValueError(
        f"The backup is that of another run: {what}. Give BackupAndRestore a folder of its own for each run, or delete this one to begin "
        "anew."
    )
