"""clone_model: a model like another, with layers and weights of its own."""

from collections.abc import Callable

import jax

from phasewise.core import entries
from phasewise.core.custom_objects import custom_object_scope
from phasewise.core.describing import serialize_keras_object
from phasewise.core.restoring import deserialize_keras_object
from phasewise.core.types import Nest
from phasewise.graph import symbolic
from phasewise.layer.layer import Layer
from phasewise.layers.input_layer import Input
from phasewise.models.as_config import takes_ends
from phasewise.models.model import Model
from phasewise.models.sequential import Sequential


def clone_model(
    model: Model,
    input_tensors: Nest = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Nest] | None = None,
    recursive: bool = False,
) -> Model:
    """A model of new layers, with new weights, that computes what `model` does.

    Args:
        model: made of inputs and outputs, a Sequential, or of a class that its config can be made from.
        input_tensors: symbolic tensors to build upon, in the structure of `model.input`; new inputs by default.
        clone_function: `layer -> layer`, called once for each layer but the inputs; by default the layer is made again from its
            config. Returning the layer itself shares it.
        call_function: `(layer, *args, **kwargs) -> outputs`, in place of the call of each layer; for models of inputs and outputs.
        recursive: whether models inside are cloned by these same functions, layer by layer, rather than as one layer.

    Raises:
        ValueError: functions or inputs are given for a model of a class of one's own, whose inside is not known, or a
            `call_function` for a Sequential; the inputs do not fit the model's.
        TypeError: `model` is no model, or `clone_function` returns no layer.
    """
    if not isinstance(model, Model):
        raise TypeError(
            f"clone_model takes a model; got {model!r}. Make a layer again by type(layer).from_config(layer.get_config())."
        )
    classes = {
        type(each).__name__: type(each) for each in model._inventory().layers if entries.kind_of(type(each)) is None
    }
    with custom_object_scope(classes):
        cloned = _Cloning(clone_function, call_function, recursive).of(model, input_tensors)
    compiled = getattr(model, "get_compile_config", lambda: None)()
    if compiled:
        cloned.compile_from_config(compiled)
    return cloned


class _Cloning:
    """The layers cloned so far, each once, and how it is done."""

    def __init__(self, clone_function, call_function, recursive):
        self._clone, self._call, self._recursive = clone_function, call_function, recursive
        self._made = {}

    def of(self, model, input_tensors):
        """The clone of a model."""
        if isinstance(model, Sequential):
            return self._sequential(model, input_tensors)
        is_own_class = type(model).get_config is not Model.get_config
        asked = self._clone or self._call or input_tensors is not None
        if model._graph is not None and (takes_ends(type(model)) or asked) and not (is_own_class and not asked):
            return self._functional(model, input_tensors)
        if asked:
            raise ValueError(
                f"{model.name!r} is a {type(model).__name__}, whose layers clone_model cannot call one by one: clone_function, "
                "call_function and input_tensors are for Sequential models and those of inputs and outputs."
            )
        return deserialize_keras_object(serialize_keras_object(model))

    def _sequential(self, model, input_tensors):
        if self._call is not None:
            raise ValueError(
                "A Sequential's layers are not called one by one: call_function is for models of inputs and outputs."
            )
        layers = [self._layer(layer) for layer in model.layers]
        start = [] if len(model._chain) == len(model.layers) else [_fresh(model._chain[0].tensor)]
        if input_tensors is not None:
            start = _fitting([input_tensors], [model._input_tensors[0] if model._graph else None])
        cloned = Sequential([*start, *layers], name=model.name, trainable=model._own_trainable)
        if model.built and not cloned.built and not cloned.runs_on_host:
            cloned.build(model._known_input_shape())
        return cloned

    def _functional(self, model, input_tensors):
        if input_tensors is None:
            inputs = jax.tree.map(_fresh, model.input, is_leaf=symbolic.is_symbolic)
        else:
            inputs = _packed(model.input, input_tensors)
        values = {id(t): new for t, new in zip(model._input_tensors, symbolic.tensors_in(inputs))}
        for node in model._graph.to_outputs().nodes:
            tensors, rebuild = symbolic.separate((node.args, node.kwargs))
            args, kwargs = rebuild([values[id(t)] for t in tensors])
            results = symbolic.tensors_in(self._called(node.operation, args, kwargs))
            values.update((id(t), new) for t, new in zip(node.outputs, results, strict=True))
        outputs = jax.tree.map(lambda t: values[id(t)], model.output, is_leaf=symbolic.is_symbolic)
        cls = type(model) if takes_ends(type(model)) else Model
        return cls(inputs=inputs, outputs=outputs, name=model.name, trainable=model._own_trainable)

    def _called(self, operation, args, kwargs):
        if isinstance(operation, symbolic.Function):
            return symbolic.apply(operation.function, *args, **kwargs)
        layer = self._layer(operation)
        return layer(*args, **kwargs) if self._call is None else self._call(layer, *args, **kwargs)

    def _layer(self, layer):
        if id(layer) not in self._made:
            is_inner = (
                self._recursive
                and isinstance(layer, Model)
                and (isinstance(layer, Sequential) or layer._graph is not None)
            )
            self._made[id(layer)] = self.of(layer, None) if is_inner else self._cloned(layer)
        return self._made[id(layer)]

    def _cloned(self, layer):
        if self._clone is None:
            return type(layer).from_config(layer.get_config())
        made = self._clone(layer)
        if not isinstance(made, Layer):
            raise TypeError(f"clone_function must return a layer; for {layer.name!r} it returned {made!r}.")
        return made


def _fresh(tensor):
    return Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name)


def _packed(structure, given):
    """The given tensors in the structure of the model's inputs.

    Raises:
        ValueError: they do not fit.
    """
    wanted = symbolic.tensors_in(structure)
    treedef = jax.tree.structure(structure, is_leaf=symbolic.is_symbolic)
    if isinstance(structure, dict) and jax.tree.structure(given, is_leaf=symbolic.is_symbolic) != treedef:
        raise ValueError(f"input_tensors must be nested as the model's inputs are: {list(structure)}; got {given!r}.")
    found = jax.tree.leaves(given, is_leaf=symbolic.is_symbolic)
    return jax.tree.unflatten(treedef, _fitting(found, wanted))


def _fitting(given, wanted):
    flat = [leaf for each in given for leaf in jax.tree.leaves(each, is_leaf=symbolic.is_symbolic)]
    if len(flat) != len(wanted) or not all(map(symbolic.is_symbolic, flat)):
        raise ValueError(f"input_tensors are {len(wanted)} symbolic tensor(s), one for each input; got {given!r}.")
    return flat
