"""A functional model from its config, Keras's or ours: the layers are made, then called, each call as soon as its inputs are there."""

from collections import deque
from collections.abc import Mapping

from phasewise.core import keras_names
from phasewise.core.described_values import is_description
from phasewise.core.entries import did_you_mean
from phasewise.core.restoring import deserialize, deserialize_keras_object, told_of
from phasewise.core.types import Config, Nest
from phasewise.graph import symbolic
from phasewise.layer.layer import Layer
from phasewise.models.graph_to_config import is_functional
from phasewise.models.pinned_training import PINNED, as_called

KEYS = ("layers", "input_layers", "output_layers")


def ends_of_graph(config: Config) -> tuple[Nest, Nest]:
    """The symbolic inputs and outputs of the graph that a functional model's config describes.

    Raises:
        ValueError: something in it is missing, refers to what is not there, or leads in a circle.
    """
    entries = _entries(config)
    made = {name: _Made(entry) for name, entry in entries.items()}
    _call_all(made)
    is_old = any(isinstance(node, list | tuple) for entry in entries.values() for node in entry["inbound_nodes"])
    inputs, outputs = (_tensors(_unwrapped(config[key]) if is_old else config[key], made, key) for key in KEYS[1:])
    return inputs, outputs


def _unwrapped(structure):
    """The one end in a list of one: Keras 2 writes lists for all."""
    is_one = isinstance(structure, list | tuple) and len(structure) == 1 and isinstance(structure[0], list | tuple)
    return structure[0] if is_one else structure


def _entries(config):
    if not isinstance(config["layers"], list | tuple):
        raise ValueError(f"A functional model's 'layers' is a list of configs; got {config['layers']!r}.")
    entries = {}
    for number, entry in enumerate(config["layers"]):
        if not isinstance(entry, Mapping) or not isinstance(entry.get("class_name"), str):
            raise ValueError(
                f"Entry {number} of a functional model's 'layers' is no config of a layer: it is {entry!r}."
            )
        inner = entry.get("config")
        name = entry.get("name", inner.get("name") if isinstance(inner, Mapping) else None)
        if not isinstance(name, str):
            raise ValueError(f"Entry {number} of a functional model's 'layers', a {entry['class_name']}, has no name.")
        if name in entries:
            raise ValueError(f"The config describes two layers that are called {name!r}: names must differ.")
        if not isinstance(entry.get("inbound_nodes"), list | tuple):
            raise ValueError(f"The 'inbound_nodes' of layer {name!r} are a list; got {entry.get('inbound_nodes')!r}.")
        entries[name] = entry
    return entries


class _Made:
    """A layer of the config, and what its calls returned so far."""

    def __init__(self, entry):
        self.entry, self.layer = entry, None
        self.calls = entry["inbound_nodes"]
        self.results = [None] * len(self.calls)
        if keras_names.is_operation(entry):
            return
        self.layer = deserialize("layer", entry)
        if not isinstance(self.layer, Layer):
            raise ValueError(f"{entry['class_name']!r} in a functional model's 'layers' is no layer.")
        if hasattr(self.layer, "tensor"):
            self.calls, self.results = [None], [[self.layer.tensor]]

    def call(self, number, args, kwargs, name):
        """Make one of the calls."""
        node = self.calls[number]
        with told_of(self.entry["class_name"], {"name": name}):
            if self.layer is None:
                from phasewise.ops.operations import apply  # fifty files, for graphs with functions in them alone

                result = _named(apply(self.entry, args, kwargs), name)
            else:
                is_pinned = isinstance(node, Mapping) and node.get(PINNED) is True
                result = self.layer(*args, **as_called(self.layer, kwargs, is_pinned))
        self.results[number] = symbolic.tensors_in(result)


def _named(result, name):
    """The result of a function, under the name that the config gives it."""
    for tensor in symbolic.tensors_in(result):
        if tensor.node is not None:
            tensor.name = tensor.node.operation.name = name
    return result


# -- the calls, in an order in which they can be made


def _call_all(made):
    waiting, dependents = {}, {}
    for name, each in made.items():
        for number, node in enumerate(each.calls):
            if each.results[number] is not None:
                continue
            needed = {_key(history, made, name) for history in _histories(node, made)}
            needed = {key for key in needed if made[key[0]].results[key[1]] is None}
            waiting[name, number] = len(needed)
            for key in needed:
                dependents.setdefault(key, []).append((name, number))
    ready = deque(key for key, count in waiting.items() if not count)
    while ready:
        key = ready.popleft()
        name, number = key
        args, kwargs = _arguments(made[name].calls[number], made, name)
        made[name].call(number, args, kwargs, name)
        del waiting[key]
        for dependent in dependents.get(key, ()):
            waiting[dependent] -= 1
            if not waiting[dependent]:
                ready.append(dependent)
    if waiting:
        circle = ", ".join(dict.fromkeys(repr(name) for name, _ in waiting))
        raise ValueError(
            f"The calls of the layers {circle} need one another's outputs, in a circle, so none of them can come first."
        )


def _key(history, made, taker, is_end=False):
    """(name, number of the call) of what a history refers to.

    Raises:
        ValueError: there is no such call.
    """
    if not (isinstance(history, list | tuple) and len(history) == 3 and isinstance(history[0], str)):
        raise ValueError(
            f"{taker!r} refers to {history!r}: a reference is [name of a layer, number of its call, number of the output]."
        )
    name, number, index = history
    if name not in made:
        raise ValueError(
            f"{taker!r} takes the output of the layer {name!r}, which is not among those of the config.{did_you_mean(name, made)}"
        )
    if any(not isinstance(each, int) or isinstance(each, bool) or each < 0 for each in (number, index)):
        raise ValueError(
            f"{taker!r} refers to {list(history)!r}: the numbers of a call and an output are integers from 0 on."
        )
    if is_end and made[name].layer is not None and is_functional(made[name].layer):
        number -= 1  # see graph_to_config
    if not 0 <= number < len(made[name].calls):
        raise ValueError(
            f"{taker!r} takes the output of call {number} of the layer {name!r}, which is called {len(made[name].calls)} times in the config."
        )
    return name, number


def _output(history, made, taker, is_end=False):
    results = made[history[0]].results[_key(history, made, taker, is_end)[1]]
    if history[2] >= len(results):
        raise ValueError(
            f"{taker!r} takes output {history[2]} of a call of the layer {history[0]!r}, which returns {len(results)}."
        )
    return results[history[2]]


# -- what stands in a node: Keras 3's {"args", "kwargs"}, or Keras 2's list of [name, call, output, kwargs]


def _histories(node, made):
    """The references of a node."""
    if isinstance(node, Mapping):
        return list(_found([node.get("args"), node.get("kwargs")]))
    found = []
    for each in _old_inputs(node):
        found.append(_old(each, made))
        found.extend(_old(ref, made) for value in each[3:] for ref in _old_references(value, made))
    return found


def _found(value):
    if isinstance(value, Mapping):
        if value.get("class_name") == "__keras_tensor__":
            yield _history(value)
            return
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from _found(each)


def _history(tensor):
    config = tensor.get("config")
    if not isinstance(config, Mapping) or "keras_history" not in config:
        raise ValueError(f"A tensor in a config has a 'keras_history'; got {tensor!r}.")
    return config["keras_history"]


def _arguments(node, made, taker):
    """`(args, kwargs)` of a call."""
    if isinstance(node, Mapping):
        args, kwargs = _filled(node.get("args", []), made, taker), _filled(node.get("kwargs", {}), made, taker)
        if not isinstance(args, list | tuple) or not isinstance(kwargs, dict):
            raise ValueError(
                f"A call of {taker!r} has 'args', a list, and 'kwargs', a dict; got {args!r} and {kwargs!r}."
            )
        return list(args), kwargs
    inputs = [_output(_old(each, made), made, taker) for each in _old_inputs(node)]
    kwargs = {}
    for each in _old_inputs(node):
        for more in each[3:]:
            kwargs.update({key: _old_filled(value, made, taker) for key, value in more.items()})
    return [inputs[0] if len(inputs) == 1 else inputs], kwargs


def _filled(value, made, taker):
    if isinstance(value, list | tuple):
        return type(value)(_filled(each, made, taker) for each in value)
    if not isinstance(value, Mapping):
        return value
    if value.get("class_name") == "__keras_tensor__":
        return _output(_history(value), made, taker)
    if is_description(value) or ("class_name" in value and "config" in value):
        return deserialize_keras_object(value)
    return {key: _filled(each, made, taker) for key, each in value.items()}


def _old_inputs(node):
    if not isinstance(node, list | tuple) or not all(
        isinstance(each, list | tuple) and len(each) in (3, 4) for each in node
    ):
        raise ValueError(
            f"A call in a config is a dict with 'args' and 'kwargs', or a list of [layer, call, output]; got {node!r}."
        )
    if any(not isinstance(more, Mapping) for each in node for more in each[3:]):
        raise ValueError(f"The fourth part of an input in a config is a dict of arguments; got {node!r}.")
    return node


def _old(reference, made):
    """A reference of Keras 2, which counts the call by which a model was made."""
    name, number, index = reference[:3]
    is_model = isinstance(name, str) and name in made and getattr(made[name].layer, "_graph", None) is not None
    return [name, number - 1 if is_model and isinstance(number, int) and number > 0 else number, index]


def _is_old_reference(value, made):
    return isinstance(value, list | tuple) and len(value) == 3 and isinstance(value[0], str) and value[0] in made


def _old_references(value, made):
    if _is_old_reference(value, made):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _old_references(each, made)


def _old_filled(value, made, taker):
    if _is_old_reference(value, made):
        return _output(_old(value, made), made, taker)
    if isinstance(value, Mapping):
        return {key: _old_filled(each, made, taker) for key, each in value.items()}
    return [_old_filled(each, made, taker) for each in value] if isinstance(value, list | tuple) else value


# -- the ends


def _tensors(structure, made, key):
    """The tensors of "input_layers" or "output_layers", in their structure."""
    if isinstance(structure, Mapping):
        return {name: _tensors(each, made, key) for name, each in structure.items()}
    if isinstance(structure, list | tuple):
        if len(structure) == 3 and isinstance(structure[0], str):
            return _output(structure, made, key, is_end=True)
        return type(structure)(_tensors(each, made, key) for each in structure)
    raise ValueError(f"A functional model's {key!r} are made of [layer, call, output]; got {structure!r}.")
