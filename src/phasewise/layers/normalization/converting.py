"""Normalization layers from the state of another framework's, and back."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from phasewise.kernels.moving_average import of_biased_variances, of_unbiased_variances
from phasewise.layer.input_spec import InputSpec
from phasewise.layers.normalization.conventions import TRACKED
from phasewise.layers.normalization.foreign_state import check_count, checked, complete, expected_shape, rules_for


class State(dict):
    """The parameters of a layer under another framework's names, in its order: NumPy arrays, nested where that one nests.

    Attributes:
        arguments: dict of the arguments of that framework's constructor.
        axis: of the layer here that it came from.
    """

    def __init__(self, parameters: Mapping[str, Any], arguments: dict[str, Any], axis: int | list[int]):
        super().__init__(parameters)
        self.arguments, self.axis = arguments, axis


class Convertible:
    """A normalization layer that can be written in the conventions of other frameworks.

    The conventions are "torch" (PyTorch), "flax" (Flax's linen), "nnx" (Flax's nnx) and "slim" (TensorFlow-slim). What they
    differ in: names and order of the parameters; momentum as the weight of the batch (PyTorch) or of the past (all others,
    ours too); the default epsilon; which arguments leave out the scale or the centre; and whether the moving variance follows
    the biased variances of the batches (Flax, ours) or the unbiased ones, n / (n - 1) times as large for n values a channel
    (PyTorch, and TensorFlow-slim where `fused`).
    """

    @classmethod
    def from_convention(
        cls,
        convention: str,
        state: Mapping[str, Any],
        *,
        axis: int | list[int] | None = None,
        count: int | None = None,
        batches: int | None = None,
        name: str | None = None,
        **arguments: Any,
    ) -> Self:
        """A layer that computes what a layer of another framework computes.

        Args:
            convention: "torch", "flax", "nnx" or "slim".
            state: its parameters by its names: a `state_dict()`, the variables of a linen module, the state of an nnx module, a
                dict of the variables in a checkpoint; arrays of any kind. What `to_convention` returned brings its arguments.
            axis: ours: the channel axis, or the axes of a layer or RMS normalization, where it is not theirs: 1 for PyTorch's
                batch and group normalization, else the last (as many as the parameters have).
            count: values a channel in a batch, batch size times positions. Only batch normalization, see below.
            batches: how many batches the moving statistics have followed; PyTorch's `num_batches_tracked` says it.
            name: the layer's.
            **arguments: those that the other layer was made with where they are not its defaults, by its names and in its
                meaning: `momentum=0.03, eps=1e-3, affine=False` for PyTorch. A state does not hold them.

        Returns:
            A built layer for inputs of any rank that has the axes. Its output in training and in inference is the other's, to
            rounding.

        The moving mean carries over exactly, and so does the moving variance as long as both frameworks mean the same. From
        unbiased variances there are two ways. Without `count` the moving variance is taken as it is: inference is exactly the
        other's, while further training follows biased variances from there on. With `count` it becomes what ours would be after
        the same batches, `v = share * 1 + (r - share * 1) * (count - 1) / count`, share the weight `momentum ** batches` of the
        initial 1; inference then normalizes with a variance smaller by up to 1 / count. That is exact, for ever after, if all
        batches had `count` values, and the statistics began at 0 and 1; where counts differed (a short last batch, a mask) it
        is not, and nothing that the state holds could tell.

        Raises:
            ValueError: an unknown convention or argument (the nearest is named); parameters that are missing, of no use, or of
                another shape; what has no counterpart here; a `count` without a number of batches.
        """
        rules = rules_for(cls, convention)
        arguments = complete(rules, {**getattr(state, "arguments", {}), **arguments})
        parameters = checked(rules, state, arguments)
        tracked = parameters.pop(TRACKED, None)
        axis = _axis(cls, rules, arguments, parameters, getattr(state, "axis", None) if axis is None else axis)
        layer = cls(axis=axis, name=name, **_own_arguments(cls, rules, arguments))
        _build(layer, expected_shape(rules, parameters, arguments))
        check_count(rules, arguments, count)
        if count is not None:
            batches = _known(layer, tracked if batches is None else batches)
            variance, share = parameters["moving_variance"], layer.momentum**batches
            parameters["moving_variance"] = of_biased_variances(variance, np.ones_like(variance), share, count)
        for ours, value in parameters.items():
            getattr(layer, ours).assign(np.asarray(value, np.float32))
        if count is not None:
            layer._moving_statistics.resume(int(batches))
        return layer

    def to_convention(self, convention: str, *, count: int | None = None, batches: int | None = None) -> State:
        """The state that a layer of another framework needs to compute what this one computes.

        Args:
            convention: "torch", "flax", "nnx" or "slim".
            count: values a channel in a batch, where the moving variance is to be what unbiased variances would have given;
                without it the moving variance is handed over as it is, and inference is exactly ours. With it the formula
                of `from_convention` is inverted, exact under the same conditions.
            batches: how many batches the moving statistics have followed since they were made; by default what `fit` has counted.

        Returns:
            `State`: a dict of NumPy arrays by the other's names, in its order (nested for "flax"); its `arguments` are those
            for the other's constructor. `from_convention` takes it back.

        Raises:
            ValueError: an unknown convention; the layer is not built, or the other framework has no such layer; `count`, and
                the number of batches is not known.
        """
        rules = rules_for(type(self), convention)
        if not self.built:
            raise ValueError(f"{self.name!r} has no weights yet: call it on data, or build it, before to_convention.")
        values = {v.name: v.numpy() for v in self._own_variables}
        arguments = _their_arguments(self, rules, values)
        check_count(rules, complete(rules, arguments), count)
        if TRACKED in rules.parameters.values():
            updates = self._moving_statistics.updates if batches is None else batches
            values[TRACKED] = np.array(updates or 0, np.int64)
        if count is not None:
            updates = self._moving_statistics.updates if batches is None else batches
            share, initial = self.momentum ** _known(self, updates), self._moving_statistics.initial_variance
            found = of_unbiased_variances(values["moving_variance"], initial, share, count)
            values["moving_variance"] = found.astype(np.float32)
        return State(_named(rules, complete(rules, arguments), values), arguments, self.axis)


def _own_arguments(cls, rules, arguments):
    """The arguments of `cls` that mean what theirs do."""
    own = {ours: arguments[theirs] for theirs, ours in rules.meaning.items()}
    if rules.is_rate:
        own["momentum"] = _other_rate(own["momentum"])
    if "gamma" in rules.parameters.values():
        own.update(scale=rules.has("gamma", arguments), center=rules.has("beta", arguments))
    return {**own, **rules.fixed}


def _their_arguments(layer, rules, values):
    """The arguments of their constructor that mean what those of `layer` do, defaults of switches left out.

    Raises:
        ValueError: there are none.
    """
    _refuse(layer, rules)
    shape = next((value.shape for value in values.values()), None)
    if shape is None and layer.input_spec is not None:
        shape = tuple(layer.input_spec.axes.values())
    found = {theirs: getattr(layer, ours) for theirs, ours in rules.meaning.items()}
    for theirs, ours in rules.meaning.items():
        if ours == "momentum" and rules.is_rate:
            found[theirs] = _other_rate(layer.momentum)
        if ours == "groups" and layer.groups == -1 and shape is not None:
            found[theirs] = shape[0]
    found.update(_switches(rules, {"scale": "gamma" in values or "scale" in values, "center": "beta" in values}))
    if rules.size is not None and shape is not None:
        found[rules.size] = shape[0] if rules.size.startswith("num_") else tuple(shape)
    if layer.axis != -1:
        found.update(dict.fromkeys(rules.axis_arguments, layer.axis))
    return found


def _switches(rules, wanted):
    """The switches of theirs that are not at their default in a layer that has what is `wanted` of scale and center."""
    found, left = {}, {"scale", "center"}
    for theirs, needs in rules.switches.items():
        needed = left.intersection(needs)
        on = any(wanted[each] for each in needed)
        if needed and on != rules.arguments[theirs]:
            found[theirs] = on
        left -= set() if on else needed
    return found


def _refuse(layer, rules):
    """Raises ValueError where `layer` does what no layer of theirs does."""
    for argument in ("renorm", "virtual_batch_size"):
        if getattr(layer, argument, None):
            raise ValueError(
                f"{layer.name!r} has {argument}={getattr(layer, argument)!r}, which {rules.title} has not: it would train otherwise."
            )
    for argument, value in rules.fixed.items():
        if getattr(layer, argument) != value:
            raise ValueError(
                f"{layer.name!r} has {argument}={getattr(layer, argument)!r}; that of {rules.title} is always {value!r}."
            )
    axes = layer.axis if isinstance(layer.axis, list) else [layer.axis]
    of_rows = "groups" not in rules.meaning.values() and "momentum" not in rules.meaning.values()
    if of_rows and not rules.axis_arguments and axes != list(range(-len(axes), 0)):
        raise ValueError(
            f"{layer.name!r} has axis={layer.axis}; {rules.title} normalizes over the last axes, as axis=-1 does."
        )


def _named(rules, arguments, values):
    """The parameters by their names, in their order; a scale or centre that they need and we lack is the neutral one."""
    shape = next((value.shape for name, value in values.items() if name != TRACKED), ())
    neutral = {"gamma": np.ones(shape, np.float32), "beta": np.zeros(shape, np.float32)}
    found = {}
    for theirs, ours in rules.parameters.items():
        if rules.has(ours, arguments):
            *outer, last = theirs.split("/")
            level = found
            for part in outer:
                level = level.setdefault(part, {})
            level[last] = values[ours] if ours in values else neutral[ours]
    return found


def _axis(cls, rules, arguments, parameters, axis):
    """Our axis: as given, as their arguments say, or as the convention has it."""
    for theirs in rules.axis_arguments:
        axis = arguments.get(theirs) if axis is None else axis
    if axis is not None:
        return list(axis) if isinstance(axis, tuple) else axis
    shape = expected_shape(rules, parameters, arguments)
    return list(range(-len(shape), 0)) if shape is not None and len(shape) > 1 else rules.channel_axis


def _build(layer, shape):
    """Make the weights for inputs of any rank that has the axes; not where nothing says how large they are."""
    if shape is None:
        return
    axes = layer.axis if isinstance(layer.axis, list) else [layer.axis]
    rank = max(-axis + 1 if axis < 0 else axis + 1 for axis in axes)
    sizes = [None] * rank
    for axis, size in zip(axes, shape):
        sizes[axis] = size
    layer.build(tuple(sizes))
    if layer.input_spec is not None:
        layer.input_spec = InputSpec(min_ndim=rank, axes=dict(zip(axes, shape)))


def _known(layer, batches):
    """How many batches there were.

    Raises:
        ValueError: nobody knows.
    """
    if batches is None:
        raise ValueError(
            f"How much of the initial variance is left in the moving variance of {layer.name!r} depends on how many batches it has "
            "followed, which is not known: pass batches=..., or leave count out to take the variance as it is."
        )
    return batches


def _other_rate(momentum):
    """1 - momentum, without the digits that binary fractions add to it."""
    return round(1 - momentum, 12)
