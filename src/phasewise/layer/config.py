"""The config of a layer whose class defines none, and what is said of an argument that a class does not take."""

import inspect
from typing import Any

from phasewise.core import constructors, keywords
from phasewise.core.types import Config

_OF_EVERY_LAYER = ("activity_regularizer", "trainable", "dtype", "autocast", "name")


def arguments_as_given(cls, args, kwargs):
    """The constructor's arguments, as the user gave them.

    Raises:
        NotImplementedError: one of them is more than numbers, strings and nests of them: the class must say in its own
            `get_config` how it is written down.
    """
    given = {}
    parameters = constructors.parameters(cls)
    for key, value in list(inspect.signature(cls.__init__).bind_partial(None, *args, **kwargs).arguments.items())[1:]:
        given.update(value if parameters[key].kind is inspect.Parameter.VAR_KEYWORD else {key: value})
    given = {key: value for key, value in given.items() if key not in _OF_EVERY_LAYER}
    for key, value in given.items():
        if not _is_plain(value):
            raise NotImplementedError(
                f"{cls.__name__} was made with {key}={value!r}, which a config cannot hold as it is. Define "
                f'`get_config`: return {{**super().get_config(), "{key}": ...}}, and `from_config` where the value must be '
                "rebuilt."
            )
    return given


def unless_default(cls: type, **values: Any) -> Config:
    """Those of `values`, arguments of `cls` that Keras's class of this name lacks, which are not at their defaults.

    Keras refuses a config that has a key which it does not know: rightly where that asks for something it cannot do.
    """
    parameters = constructors.parameters(cls)
    return {name: value for name, value in values.items() if value != parameters[name].default}


def accepted(cls, config):
    """The part of `config` that the constructor of `cls` takes."""
    parameters = constructors.parameters(cls)
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return config
    return {key: value for key, value in config.items() if key in parameters}


def input_shape_argument(kwargs):
    """Keras lets the first layer of a Sequential carry `input_shape=` or `input_dim=`: the shape, or None."""
    if "input_dim" in kwargs:
        return (kwargs.pop("input_dim"),)
    if "batch_input_shape" in kwargs:  # Keras 2's files
        shape = kwargs.pop("batch_input_shape")
        kwargs["input_shape"] = None if shape is None else shape[1:]
    shape = kwargs.pop("input_shape", None)
    return tuple(shape) if shape is not None else None


def unknown_argument(cls, strangers):
    """The message for arguments that no constructor of `cls` takes."""
    return keywords.message(cls.__name__, list(strangers), [*constructors.names(cls), *_OF_EVERY_LAYER])


def _is_plain(value):
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float | bool)


def is_made_for_it(cls):
    """Whether the config of a class of a user's own is ours to make: it says nothing of it itself."""
    return cls.get_config.__module__.startswith("phasewise.") and not cls.__module__.startswith("phasewise.")


def set_what_is_of_every_layer(layer, config):
    """Give a layer what its constructor does not take, and every layer has.

    Raises:
        ValueError: something is no argument of every layer.
    """
    strangers = [name for name in config if name not in ("trainable", "dtype")]
    if strangers:
        raise ValueError(unknown_argument(type(layer), strangers))
    if config.get("trainable") is False:
        layer._own_trainable = False
    if config.get("dtype") is not None and not layer.built:
        layer.dtype_policy = config["dtype"]


def without_quantization(config):
    """The config without Keras's word that the weights are not quantized.

    Raises:
        ValueError: they are.
    """
    if config.get("quantization_config") is not None:
        raise ValueError(
            "Its weights are quantized (quantization_config), which phasewise does not compute with. Save the model in Keras before it is."
        )
    return {name: value for name, value in config.items() if name != "quantization_config"}


def build_config(cls, shapes):
    """What a config says of the shapes that `build` of `cls` was called with; None where there is nothing to say."""
    makes_nothing = cls.build.__qualname__ == "Building.build"
    if not shapes or makes_nothing:
        return None
    if not isinstance(shapes, dict):
        return {"input_shape": shapes[0]}
    return {"input_shape": next(iter(shapes.values()))} if len(shapes) == 1 else {"shapes_dict": dict(shapes)}


def shapes_to_build(config):
    """`(args, kwargs)` of the call of `build` that a build config asks for.

    Raises:
        ValueError: it holds something else than shapes.
    """
    if not isinstance(config, dict):
        raise ValueError(f"A build_config is a dict with 'input_shape' or 'shapes_dict'; got {config!r}.")
    if config.get("input_shape") is not None:
        return (as_shape(config["input_shape"]),), {}
    several = config.get("shapes_dict") or {}
    if not isinstance(several, dict):
        raise ValueError(f"A build_config's 'shapes_dict' is a dict of shapes by argument; got {several!r}.")
    return (), {name: as_shape(shape) for name, shape in several.items()}


def as_shape(value):
    """A shape, or a structure of them, as a file holds it: lists of sizes become tuples.

    Raises:
        ValueError: something is neither.
    """
    if value is None:
        return None
    if isinstance(value, dict):
        return {name: as_shape(each) for name, each in value.items()}
    if not isinstance(value, list | tuple):
        raise ValueError(f"A shape is a list of integers and None; got {value!r}.")
    if all(size is None or (isinstance(size, int) and not isinstance(size, bool)) for size in value):
        return tuple(value)
    return [as_shape(each) for each in value]
