"""fold: batch normalization goes into the weights of the layers around it."""

from phasewise.graph import symbolic
from phasewise.layer.layer import depends_on_phase
from phasewise.layers import BatchNormalization
from phasewise.models.folding.copying import Copier, is_functional
from phasewise.models.folding.flat import flattened
from phasewise.models.folding.inference_model import InferenceModel
from phasewise.models.folding.neighbours import Neighbours
from phasewise.models.folding.report import Folding
from phasewise.models.folding.rewiring import rewired
from phasewise.models.model import Model
from phasewise.training.programs import trace_calls

MOST_TOLD = 8  # reasons in an error


def fold(model: Model) -> Folding:
    """An inference-only copy of a model, in which batch normalization is part of the weights of the layers around it.

    In inference batch normalization is linear: `(x - mean) * gamma / sqrt(variance + epsilon) + beta`. Where it comes after
    a Dense layer or a convolution of any kind without an activation, or before one, its factors go into that layer's kernel
    and bias, computed in float64 and written in float32. Before a convolution that puts zeros around its input, or a
    transposed one, only a normalization that shifts nothing can: it is left as it is otherwise. What lies between may be
    what passes its input on in inference (dropout and noise, `Identity`, a linear `Activation`, a folded normalization), or
    what moves entries (`Flatten`, `Reshape`, `Permute`, `RepeatVector`) as long as the channels stay apart. A layer that is
    called several times is folded where all calls agree, and one that goes to several such layers into all of them.
    Elsewhere it is left as it is. Layers inside of functional and sequential models are folded like those beside them.

    A mean of more than 4 standard deviations is not folded into a bias that would cancel it: it is subtracted in the place
    of the normalization, which costs a pass over the input, and everything else is folded. So predictions differ from the
    model's by rounding alone: less than 1e-5 where mean / standard deviation of the normalized inputs is up to 1e3. (Behind a
    Dense layer whose own sums have such a mean, the model itself has lost digits; the copy loses no more.)

    Args:
        model: a functional or sequential model, built; it is not changed, and the copy shares no weight with it. In it
            nothing may be pinned to training, and no statistics but the moving ones be in force.

    Returns:
        `Folding`: a list with one `Fold` a folded layer, the copy as its `model`, and in `left` the layers that could not be
        folded, with the reason. `str()` gives the table. The copy is not compiled. It has frozen weights, refuses `fit`, calls in
        training, and other statistics for what was folded.

    Raises:
        TypeError: `model` is no model.
        ValueError: it is not built, has a `call` of its own, or no batch normalization; a layer of it is pinned to training or
            normalizes with other statistics (the message names it); or nothing can be folded (and why).

    Example:
        >>> folding = phasewise.fold(model)
        >>> print(folding)
        >>> folding.model.predict(x)
    """
    _check(model)
    calls = _calls_in_inference(model)
    copier = Copier(model)
    graph = copier.graph_of(model, None if model._graph is not None else _like(model._example_spec()))
    neighbours = Neighbours(model, copier.copies, flattened(graph), calls)
    folds, left = neighbours.fold_all(
        [layer for layer in model._inventory().layers if isinstance(layer, BatchNormalization)]
    )
    if not folds:
        raise ValueError(f"No batch normalization of {model.name!r} can be folded into weights:{_reasons(left)}")
    for weights in neighbours.weights.values():
        weights.write()
    graph = rewired(graph, neighbours.gone)
    copy = InferenceModel(graph.inputs, graph.outputs, folded=[each.layer for each in folds], name=model.name)
    return Folding(folds, copy, left)


def _check(model):
    if not isinstance(model, Model):
        raise TypeError(f"fold takes a model; got {model!r}.")
    if not model.built:
        raise ValueError(
            f"{model.name!r} is not built: it has no weights to fold into. Call it on data, fit it, or call build(input_shape)."
        )
    if not is_functional(model):
        raise ValueError(
            f"{model.name!r} ({type(model).__name__}) computes in a `call` of its own, which fold cannot look into: it takes "
            "functional and sequential models. Fold those that the call uses, one by one."
        )
    if not any(isinstance(layer, BatchNormalization) for layer in model._inventory().layers):
        raise ValueError(f"{model.name!r} has no batch normalization to fold.")


def _reasons(left):
    told = [f"\n- {name}: {why}." for name, why in left.items()]
    return "".join(told[:MOST_TOLD]) + (f"\n- and {len(told) - MOST_TOLD} more." if len(told) > MOST_TOLD else "")


def _calls_in_inference(model):
    """The calls that `predict` makes."""
    calls, _ = trace_calls(model, model._example_spec(), "predict")
    for call in calls:
        layer = f"{call.layer.name!r} ({type(call.layer).__name__})"
        if call.decision.training and depends_on_phase(call.layer):
            raise ValueError(
                f"{model.name!r} cannot be folded into an inference-only copy: {layer} is in training in predict, too "
                f"({call.decision.reason})."
            )
        if call.statistics not in (None, "moving"):
            raise ValueError(
                f"{model.name!r} cannot be folded: {layer} normalizes with {call.statistics} statistics here, and only moving ones "
                'are known before the data. Fold it outside of the scope of `statistics`, or inside one of "moving".'
            )
    return calls


def _like(spec):
    return symbolic.SymbolicTensor((None, *spec.shape[1:]), spec.dtype, "input")
