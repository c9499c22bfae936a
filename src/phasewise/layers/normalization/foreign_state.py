"""The parameters and arguments of another framework's normalization layer, held against its convention."""

from collections.abc import Mapping

import numpy as np

from phasewise.core.registry import did_you_mean
from phasewise.layers.normalization.conventions import CONVENTIONS, REQUIRED, TRACKED


def rules_for(cls, convention):
    """The `Convention` of this name for a class of layers.

    Raises:
        ValueError: there is none; the message names the nearest.
    """
    of_kind = next(CONVENTIONS[base.__name__] for base in cls.__mro__ if base.__name__ in CONVENTIONS)
    if convention in of_kind:
        return of_kind[convention]
    everywhere = {name for conventions in CONVENTIONS.values() for name in conventions}
    if convention in everywhere:
        raise ValueError(f"{convention!r} has no {cls.__name__}; these have: {_listed(of_kind)}.")
    raise ValueError(
        f"Unknown convention {convention!r}.{did_you_mean(convention, of_kind)} Known: {_listed(of_kind)}."
    )


def complete(rules, given):
    """Their arguments, with their defaults where nothing was given.

    Raises:
        ValueError: an unknown argument, one that is needed and missing, or one that has no counterpart here.
    """
    known = [*rules.arguments, *rules.axis_arguments]
    for name in given:
        if name not in known:
            raise ValueError(
                f"{rules.title} has no argument {name!r}.{did_you_mean(name, known)} It takes: {_listed(known)}."
            )
    found = {**rules.arguments, **{name: value for name, value in given.items() if value is not None}}
    for name, value in found.items():
        if value is REQUIRED:
            raise ValueError(
                f"{rules.title} has no default for {name!r}, which its state does not hold: pass {name}=...."
            )
    if rules.is_rate and "momentum" in given and given["momentum"] is None:
        raise ValueError(
            f"{rules.title} with momentum=None averages over all batches alike, which has no counterpart here: pass the momentum "
            "that training is to go on with."
        )
    return found


def checked(rules, state, arguments):
    """Our names and the arrays of a state; the number of batches as an int, or not at all.

    Raises:
        ValueError: parameters are missing, of no use, or of another shape than the rest.
    """
    given = _flat(state)
    wanted = {theirs: ours for theirs, ours in rules.parameters.items() if rules.has(ours, arguments)}
    for theirs, ours in wanted.items():
        if theirs not in given and ours != TRACKED:
            raise ValueError(
                f"The state of {rules.title} lacks {theirs!r}; it has {_listed(given) or 'nothing'}, and should have "
                f"{_listed(wanted)}.{_way_out(rules, ours)}"
            )
    for theirs in given:
        if theirs not in wanted:
            switched = _way_out(rules, rules.parameters.get(theirs), off=False)
            hint = switched or did_you_mean(theirs, [name for name in wanted if name not in given])
            raise ValueError(
                f"The state of {rules.title} holds {theirs!r}, which is none of its parameters: {_listed(wanted)}.{hint}"
            )
    found = {wanted[theirs]: _array(value) for theirs, value in given.items()}
    if TRACKED in found:
        found[TRACKED] = int(found[TRACKED])
    _check_shapes(rules, {theirs: found[wanted[theirs]] for theirs in given if wanted[theirs] != TRACKED}, arguments)
    return found


def expected_shape(rules, parameters, arguments):
    """The shape of every parameter: what an argument of theirs says, or that of the first; None where neither is there."""
    size = arguments.get(rules.size)
    if size is not None:
        return tuple(size) if np.ndim(size) else (int(size),)
    return next((np.shape(value) for value in parameters.values()), None)


def check_count(rules, arguments, count):
    """Raises ValueError when a `count` of values is given that is none, or that plays no part."""
    if count is None:
        return
    if not rules.is_unbiased(arguments):
        raise ValueError(
            f"{rules.title} averages no unbiased variances: leave count out, what it has carries over as it is."
        )
    if isinstance(count, bool) or not hasattr(count, "__index__") or count < 2:
        raise ValueError(
            f"`count` is how many values a channel has in a batch, an integer of at least 2; got {count!r}."
        )


def _check_shapes(rules, parameters, arguments):
    expected = expected_shape(rules, parameters, arguments)
    by = rules.size if arguments.get(rules.size) is not None else repr(next(iter(parameters), None))
    if (
        expected is not None
        and len(expected) != 1
        and (rules.size or "num_").startswith("num_")
        and _is_by_channel(rules)
    ):
        raise ValueError(f"{rules.title} has one entry for each channel; {by} has shape {expected}, not (channels,).")
    for theirs, value in parameters.items():
        if value.shape != expected:
            raise ValueError(
                f"The parameters of {rules.title} have one shape: {theirs!r} has shape {value.shape}, {by} {expected}."
            )


def _is_by_channel(rules):
    return not {"momentum", "groups"}.isdisjoint(rules.meaning.values())


def _way_out(rules, ours, off=True):
    """How one says that the layer was made without a parameter, or with it."""
    needs = {"gamma": "scale", "scale": "scale", "beta": "center"}.get(ours)
    names = [name for name, needed in rules.switches.items() if needs in needed]
    if not names:
        return ""
    return f" If it was made {'without' if off else 'with'} it, pass {names[-1]}={not off}."


def _flat(state):
    """Nested dicts as one, the names joined by "/"."""
    if not isinstance(state, Mapping):
        raise TypeError(f"A state is a dict of arrays by name; got {type(state).__name__}.")
    found = {}
    for name, value in state.items():
        if isinstance(value, Mapping):
            found.update({f"{name}/{inner}": leaf for inner, leaf in _flat(value).items()})
        elif value is not None:
            found[str(name)] = value
    return found


def _array(value):
    """Any framework's array, in NumPy."""
    if hasattr(value, "detach"):  # PyTorch's parameters give no array while they require a gradient
        value = value.detach().cpu()
    return np.asarray(value)


def _listed(names):
    return ", ".join(map(repr, names))
